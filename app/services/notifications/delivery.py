"""Sends messages: makes one attempt of one delivery, and stores its outcome.

A delivery is claimed by a lease before it is sent, and its result is stored afterwards. If the process is
killed in between, the lease expires and the message is sent again, with the same id.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.outbound.answer import OutboundError
from app.core.sealing import SealBroken
from app.destination import Message, NotSent, Post
from app.destinations import KINDS
from app.models import Delivery, DeliveryAttempt, Destination, Notification
from app.services import lease, sql
from app.services.notifications import compose, delayed, messages, quiet, record, sealed
from app.services.notifications.compose import Link
from app.services.notifications.events import Event
from app.services.notifications.record import Draft
from app.services.notifications.states import State
from app.services.scope import Scope

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=30)
"""Longer than an attempt takes."""

RETRIES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 8 * 3600)
)
"""The pauses after failed attempts, a day in all. After the last attempt, the delivery has failed."""

LONGEST_WISH = timedelta(hours=1)
"""The longest pause that a receiver may request."""


@dataclass(frozen=True)
class Sender:
    """The functions that send messages and make their links.

    `count` is called with the kind and each attempt.
    """

    post: Post
    link: Link
    count: Callable[[str, Attempt], None] = lambda _kind, _attempt: None


@dataclass(frozen=True)
class Attempt:
    """The outcome of an attempt, as it is stored."""

    ok: bool
    milliseconds: int
    status: int | None = None
    reason: str | None = None
    retry_after: float = 0


@dataclass(frozen=True)
class _Claim:
    """A delivery that this process may send until the lease ends."""

    id: str
    until: datetime


def ready(scope: Scope) -> list[str]:
    """Returns the ids of the destinations with a message to send now."""
    query = select(Delivery.destination_id).join(Destination).where(_is_ready()).distinct()
    return list(scope.session.scalars(query))


def _is_ready() -> ColumnElement[bool]:
    """Returns the condition that a delivery can be sent now.

    Its time has come, no process is sending it, and no earlier message of its lane is waiting.
    """
    earlier = aliased(Delivery)
    is_blocked = exists().where(
        earlier.destination_id == Delivery.destination_id,
        earlier.lane == Delivery.lane,
        earlier.state == State.WAITING,
        ~earlier.is_manual,
        earlier.notification_id < Delivery.notification_id,
    )
    return and_(
        Delivery.state == State.WAITING,
        Delivery.due_at <= clock.now(),
        _is_free(),
        Destination.enabled,
        or_(Delivery.is_manual, ~is_blocked),
    )


def _is_free() -> ColumnElement[bool]:
    return or_(Delivery.leased_until.is_(None), ~lease.held_condition(Delivery.leased_until, LEASE))


def send_next(scope: Scope, sender: Sender, destination_id: str) -> bool:
    """Sends the destination's next message. Returns False if there is none, or it was not accepted."""
    query = (
        select(Delivery.id)
        .join(Destination)
        .where(Delivery.destination_id == destination_id, _is_ready())
        .order_by(Delivery.due_at, Delivery.notification_id, Delivery.id)
        .limit(1)
    )
    delivery_id = scope.session.scalar(query)
    if delivery_id is None:
        return False
    attempt = send(scope, sender, delivery_id)
    return attempt is None or attempt.ok


def send(scope: Scope, sender: Sender, delivery_id: str) -> Attempt | None:
    """Makes one attempt and stores it; None if another process is sending it, or it must wait."""
    with scope.transaction(lock=False):
        claim = _claim(scope, delivery_id)
        if claim is None or _is_quiet(scope, delivery_id):
            return None
    attempt = _send_and_count(scope, sender, delivery_id)
    with scope.transaction(lock=False):
        _store(scope, claim, attempt)
    return attempt


def _claim(scope: Scope, delivery_id: str) -> _Claim | None:
    now = clock.now()
    claim = _Claim(delivery_id, now + LEASE)
    conditions = (Delivery.id == delivery_id, Delivery.state == State.WAITING, _is_free())
    values = {"leased_until": claim.until}
    return claim if sql.run(scope, update(Delivery).where(*conditions).values(values)) else None


def _is_quiet(scope: Scope, delivery_id: str) -> bool:
    """Whether the message must not be sent now.

    During a quiet period, its lane is delayed until the end. After one, a message that is no longer needed
    is skipped.
    """
    delivery, row, destination = _load(scope, delivery_id)
    if delivery.is_manual:
        return False
    if end := quiet.until(scope, row, destination):
        lane = (Delivery.destination_id == destination.id, Delivery.lane == delivery.lane)
        held_until = {"due_at": end, "was_held": True, "leased_until": None}
        waiting = update(Delivery).where(*lane, Delivery.state == State.WAITING, ~Delivery.is_manual)
        sql.run(scope, waiting.values(held_until))
        return True
    if delivery.was_held and delayed.is_settled(scope, delivery, row):
        delivery.state, delivery.finished_at, delivery.leased_until = State.SKIPPED, clock.now(), None
        return True
    return False


def _load(scope: Scope, delivery_id: str) -> tuple[Delivery, Notification, Destination]:
    query = (
        select(Delivery, Notification, Destination)
        .join(Notification, Notification.id == Delivery.notification_id)
        .join(Destination, Destination.id == Delivery.destination_id)
        .where(Delivery.id == delivery_id)
        .execution_options(populate_existing=True)
    )
    delivery, row, destination = scope.session.execute(query).one()
    return delivery, row, destination


def _send_and_count(scope: Scope, sender: Sender, delivery_id: str) -> Attempt:
    """Sends the message, and counts the attempt. No transaction is open during the request."""
    _, row, destination = _load(scope, delivery_id)
    key = destination.kind
    attempt = _attempt(scope, sender, delivery_id, row, destination)
    sender.count(key, attempt)
    return attempt


def _attempt(
    scope: Scope, sender: Sender, delivery_id: str, row: Notification, destination: Destination
) -> Attempt:
    key = destination.kind
    kind = KINDS.get(key)
    started = time.monotonic()
    try:
        values = sealed.values(scope, destination)
        message = _message(scope, sender, row, delivery_id)
        scope.end_read()
        if kind is None:
            return Attempt(False, 0, reason=messages.kind_gone(key))
        status = kind.send(sender.post, values, message)
    except SealBroken:
        return Attempt(False, 0, reason=messages.SEAL_BROKEN)
    except NotSent as error:
        return Attempt(False, _milliseconds_since(started), error.status, error.message, error.retry_after)
    except OutboundError as error:
        return Attempt(False, _milliseconds_since(started), reason=error.message)
    except Exception:
        log.exception("notification.not_sent", kind=key)
        return Attempt(False, _milliseconds_since(started), reason=messages.FAULT)
    finally:
        scope.end_read()
    return Attempt(True, _milliseconds_since(started), status)


def _message(scope: Scope, sender: Sender, row: Notification, delivery_id: str) -> Message:
    items: Sequence[Notification] = ()
    if row.event == Event.DIGEST:
        query = (
            select(Notification)
            .join(Delivery, Delivery.notification_id == Notification.id)
            .where(Delivery.carrier_id == delivery_id)
        )
        items = list(scope.session.scalars(query.order_by(Notification.id)))
    return compose.message(scope, row, sender.link, items)


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _store(scope: Scope, claim: _Claim, attempt: Attempt) -> None:
    """Stores the attempt, and the delivery's new state unless another process has claimed it."""
    delivery, _, destination = _load(scope, claim.id)
    now = clock.now()
    scope.session.add(
        DeliveryAttempt(
            delivery_id=claim.id,
            at=now,
            milliseconds=attempt.milliseconds,
            ok=attempt.ok,
            status=attempt.status,
            reason=attempt.reason,
        )
    )
    if delivery.leased_until != claim.until:
        return
    delivery.attempts += 1
    delivery.tried_at = delivery.tried_at or now
    delivery.leased_until = None
    _store_failing_since(scope, destination, attempt, now)
    if attempt.ok:
        delivery.state, delivery.finished_at = State.DELIVERED, now
    elif delivery.is_manual or delivery.attempts > len(RETRIES):
        delivery.state, delivery.finished_at = State.FAILED, now
        if not delivery.is_manual:
            _disable(scope, destination, delivery, attempt)
    else:
        delivery.due_at = now + _pause(delivery.attempts, attempt.retry_after)


def _pause(attempts: int, wish: float) -> timedelta:
    """Returns the pause after this many failed attempts, varied a little so that retries spread."""
    usual = RETRIES[attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 (jitter)
    return max(usual, min(timedelta(seconds=max(wish, 0)), LONGEST_WISH))


def _store_failing_since(scope: Scope, destination: Destination, attempt: Attempt, now: datetime) -> None:
    """Stores since when the destination fails, without a new version: users did not change it."""
    since = None if attempt.ok else destination.failing_since or now
    if since != destination.failing_since:
        is_destination = Destination.id == destination.id
        values = {"failing_since": since, "updated_at": Destination.updated_at}
        sql.run(scope, update(Destination).where(is_destination).values(values))


def _disable(scope: Scope, destination: Destination, delivery: Delivery, attempt: Attempt) -> None:
    """Disables a destination that has accepted nothing since the first attempt of the delivery."""
    since = destination.failing_since
    scope.session.refresh(destination)
    if since is None or delivery.tried_at is None or since > delivery.tried_at or not destination.enabled:
        return
    destination.enabled = False
    destination.disabled_reason = messages.disabled_because(attempt.reason or "")[:1000]
    waiting = (Delivery.destination_id == destination.id, Delivery.state == State.WAITING)
    given_up = {"state": State.FAILED, "finished_at": clock.now()}
    sql.run(scope, update(Delivery).where(*waiting, Delivery.id != delivery.id).values(given_up))
    record.add(
        delayed.scope_of(scope, destination),
        Draft(
            Event.DESTINATION_DISABLED,
            lane=f"destination:{destination.id[:8]}",
            key=f"destination:{destination.id}",
            subject=destination.label or KINDS[destination.kind].label,
            detail=destination.disabled_reason,
            since=since,
        ),
    )
