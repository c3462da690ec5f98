"""Open problems and their acknowledgement, the log of deliveries, and the deletion of old ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, delete, func, or_, select

from app.core import clock
from app.core.errors import Busy, NotFound
from app.models import Delivery, DeliveryAttempt, Notification, Organization, QuietPeriod
from app.services import keyset, sql
from app.services import messages as shared_messages
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.keyset import Mark, Order, Page
from app.services.notifications import compose, delivery, destinations, messages, record
from app.services.notifications.delivery import Sender
from app.services.notifications.events import Event
from app.services.notifications.record import Draft
from app.services.notifications.states import State
from app.services.scope import Scope

KEPT = timedelta(days=90)
"""How long notifications and their deliveries are retained. Open problems stay."""

BATCH = 1000
PAGE = 50
PAGE_MOST = 200
MOST_OPEN = 200
TURN_SECONDS = 1.0
"""How long a request waits for its turn to send a message."""
_turns = threading.BoundedSemaphore(3)
NEWEST_FIRST = Order(Delivery.created_at, Delivery.id, descends=True)


def open_now(scope: Scope, *, everywhere: bool = False) -> list[Notification]:
    """Returns the owner's open problems, newest first; with `everywhere`, those of all owners."""
    query = select(Notification).where(Notification.closed_at.is_(None))
    if not everywhere:
        query = query.where(record.own(scope))
    return list(scope.session.scalars(query.order_by(Notification.id.desc()).limit(MOST_OPEN)))


def owners(scope: Scope, rows: Sequence[Notification]) -> dict[str, Organization]:
    """Returns the organizations of the notifications, by id."""
    ids = {row.organization_id for row in rows if row.organization_id}
    query = select(Organization).where(Organization.id.in_(ids))
    return {organization.id: organization for organization in scope.session.scalars(query)}


def unacknowledged_count(scope: Scope, *, everywhere: bool = False) -> int:
    """Returns how many open problems are not acknowledged."""
    query = select(func.count()).select_from(Notification)
    query = query.where(Notification.closed_at.is_(None), Notification.acknowledged_at.is_(None))
    if not everywhere:
        query = query.where(record.own(scope))
    return scope.session.scalar(query) or 0


def problem(row: Notification) -> dict[str, Any]:
    """Returns an open problem as the API documents it."""
    return {
        "id": row.uid,
        "type": row.event,
        "title": compose.title(row),
        "details": compose.details(row),
        "subject": row.subject,
        "count": row.count,
        "reason": row.reason,
        "at": clock.utc(row.at),
        "acknowledged_at": clock.utc(row.acknowledged_at) if row.acknowledged_at else None,
        "acknowledged_by": row.acknowledged_by,
    }


def acknowledge(scope: Scope, uid: str) -> Notification:
    """Records that the actor has acknowledged a problem. Repeating it changes nothing. Raises NotFound."""
    with scope.transaction(lock=False):
        row = scope.session.scalar(select(Notification).where(record.own(scope), Notification.uid == uid))
        if row is None:
            raise NotFound(shared_messages.not_found("notification"))
        if row.acknowledged_at is None:
            row.acknowledged_at, row.acknowledged_by = clock.now(), scope.actor.name
            log.note(scope, Action.NOTIFICATION_ACKNOWLEDGED, compose.title(row))
    return row


@dataclass(frozen=True)
class Logged:
    """A delivery with its notification and its attempts, oldest first."""

    delivery: Delivery
    notification: Notification
    attempts: Sequence[DeliveryAttempt]

    @property
    def last(self) -> DeliveryAttempt | None:
        return self.attempts[-1] if self.attempts else None


def deliveries(
    scope: Scope, destination_id: str, cursor: str | None = None, *, limit: int = PAGE
) -> Page[Logged]:
    """Returns the deliveries to a destination, newest first. Raises NotFound and BadCursor.

    The cursor is the id of the delivery that the page starts after; with a leading dash, that it ends
    before.
    """
    destination = destinations.get(scope, destination_id)
    query = select(Delivery).where(Delivery.destination_id == destination.id)
    mark = _mark(scope, query, cursor) if cursor else None
    page = keyset.page(scope.session, query, NEWEST_FIRST, mark, limit=limit, cursor=_cursor)
    return Page(_with_attempts(scope, page.rows), page.next, page.previous)


def _cursor(row: Delivery, is_before: bool) -> str:
    return f"{'-' if is_before else ''}{row.id}"


def _mark(scope: Scope, query: Select[Delivery], cursor: str) -> Mark:
    row = scope.session.scalar(query.where(Delivery.id == cursor.removeprefix("-")))
    if row is None:
        raise keyset.BadCursor
    return Mark(row.created_at, row.id, cursor.startswith("-"))


def _with_attempts(scope: Scope, rows: Sequence[Delivery]) -> list[Logged]:
    by_delivery: dict[str, list[DeliveryAttempt]] = {row.id: [] for row in rows}
    attempts = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id.in_(by_delivery))
    for attempt in scope.session.scalars(attempts.order_by(DeliveryAttempt.id)):
        by_delivery[attempt.delivery_id].append(attempt)
    ids = {row.notification_id for row in rows}
    notification_rows = scope.session.scalars(select(Notification).where(Notification.id.in_(ids)))
    notifications = {row.id: row for row in notification_rows}
    return [Logged(row, notifications[row.notification_id], by_delivery[row.id]) for row in rows]


def logged(scope: Scope, destination_id: str, delivery_id: str) -> Logged:
    """Returns one delivery. Raises NotFound."""
    destination = destinations.get(scope, destination_id)
    own = (Delivery.destination_id == destination.id, Delivery.id == delivery_id)
    row = scope.session.scalar(select(Delivery).where(*own))
    if row is None:
        raise NotFound(shared_messages.not_found("delivery"))
    return _with_attempts(scope, [row])[0]


def document(entry: Logged) -> dict[str, Any]:
    """Returns a delivery as the API documents it."""
    row = entry.delivery
    return {
        "id": row.id,
        "message_id": entry.notification.uid,
        "type": entry.notification.event,
        "title": compose.title(entry.notification),
        "state": row.state,
        "resent": row.is_manual,
        "created_at": clock.utc(row.created_at),
        "next_attempt_at": clock.utc(row.due_at) if row.state == State.WAITING else None,
        "attempts": [
            {
                "at": clock.utc(attempt.at),
                "ok": attempt.ok,
                "status": attempt.status,
                "duration_ms": attempt.milliseconds,
                "reason": attempt.reason,
            }
            for attempt in entry.attempts
        ],
    }


@contextmanager
def _turn() -> Iterator[None]:
    """Limits how many requests of a process wait for receivers at the same time. Raises Busy."""
    if not _turns.acquire(timeout=TURN_SECONDS):
        raise Busy(messages.TOO_MANY_WAITING)
    try:
        yield
    finally:
        _turns.release()


def test(scope: Scope, sender: Sender, destination_id: str) -> Logged:
    """Sends a test message now, and returns its delivery, successful or not. Raises NotFound and Busy."""
    with _turn():
        with scope.transaction():
            destination = destinations.get(scope, destination_id)
            draft = Draft(Event.TEST, lane="test", detail=messages.tested_by(scope.actor.name))
            row = record.add_own(scope, draft, destination)
        return _send_now(scope, sender, destination_id, row)


def resend(scope: Scope, sender: Sender, destination_id: str, delivery_id: str) -> Logged:
    """Sends a message again now, with the same id, and returns the new delivery.

    Raises NotFound and Busy.
    """
    with _turn():
        with scope.transaction():
            destination = destinations.get(scope, destination_id)
            before = logged(scope, destination_id, delivery_id)
            row = record.deliver(scope, before.notification, destination, is_manual=True)
        return _send_now(scope, sender, destination_id, row)


def _send_now(scope: Scope, sender: Sender, destination_id: str, row: Delivery) -> Logged:
    delivery_id = row.id
    delivery.send(scope, sender, delivery_id)
    scope.session.expire_all()
    return logged(scope, destination_id, delivery_id)


def sweep(scope: Scope) -> int:
    """Deletes notifications and quiet periods that are no longer retained.

    Returns how many notifications.
    """
    end = clock.now() - KEPT
    over = or_(Notification.closed_at < end, Notification.acknowledged_at < end)
    query = select(Notification.id).where(Notification.at < end, over)
    ids = list(scope.session.scalars(query))
    scope.end_read()
    for start in range(0, len(ids), BATCH):
        with scope.transaction(lock=False):
            batch = Notification.id.in_(ids[start : start + BATCH])
            sql.run(scope, delete(Notification).where(batch))
    with scope.transaction(lock=False):
        sql.run(scope, delete(QuietPeriod).where(QuietPeriod.ends_at < end))
    return len(ids)
