"""Adds notifications with their deliveries, and closes them, in an open transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from app.core import clock
from app.models import Delivery, Destination, Notification, NotificationSettings
from app.services import sql
from app.services.notifications import events, quiet
from app.services.notifications.events import Event, Reach
from app.services.notifications.states import State
from app.services.scope import Scope

INSTALLATION = "installation"
"""The owner of the installation's settings, in place of an organization's id."""

MOST_SUBJECTS = 1000
"""How many numbers a notification names. `count` counts all of them."""


@dataclass(frozen=True)
class Draft:
    """A notification to add. Messages of one `lane` are delivered in order."""

    event: Event
    lane: str
    key: str | None = None
    provider: str | None = None
    subject: str = ""
    subjects: Sequence[str] = ()
    count: int = 1
    reason: str | None = None
    detail: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    at: datetime = field(default_factory=clock.now)


def owner_of(scope: Scope) -> str:
    return scope.organization_or_none.id if scope.organization_or_none else INSTALLATION


def lock(scope: Scope) -> NotificationSettings:
    """Returns the owner's settings, locked until the commit.

    The lock ensures that one process at a time adds notifications of the owner.
    """
    scope.require_transaction()
    values = {"owner": owner_of(scope), "transition_id": 0, "version": 1}
    sql.run(scope, sql.upsert(scope, NotificationSettings).values(values))
    return scope.session.get_one(
        NotificationSettings, owner_of(scope), with_for_update=True, populate_existing=True
    )


def add(scope: Scope, draft: Draft) -> Notification:
    """Adds a notification, and a delivery for each destination that receives the event."""
    row = _add(scope, draft)
    for destination in _receivers(scope, draft.event):
        deliver(scope, row, destination)
    return row


def add_own(scope: Scope, draft: Draft, destination: Destination) -> Delivery:
    """Adds a notification for one destination, such as a test."""
    return deliver(scope, _add(scope, draft), destination, is_manual=True)


def _add(scope: Scope, draft: Draft) -> Notification:
    scope.require_transaction()
    row = Notification(
        organization_id=scope.organization_or_none.id if scope.organization_or_none else None,
        event=draft.event,
        lane=f"{owner_of(scope)}:{draft.lane}",
        key=draft.key,
        provider=draft.provider,
        subject=draft.subject[:254],
        subjects=list(draft.subjects[:MOST_SUBJECTS]),
        count=draft.count,
        reason=draft.reason,
        detail=draft.detail[:1000] if draft.detail else None,
        since=draft.since,
        until=draft.until,
        at=draft.at,
        closed_at=None if draft.event.is_problem else draft.at,
    )
    scope.session.add(row)
    scope.session.flush()
    return row


def deliver(
    scope: Scope, row: Notification, destination: Destination, *, is_manual: bool = False
) -> Delivery:
    """Adds a delivery.

    With `is_manual`, a user requested it: it waits for no other message and no digest.
    """
    is_collected = destination.digest_hour is not None and not is_manual
    end = None if is_manual else quiet.until(scope, row, destination)
    delivery = Delivery(
        notification_id=row.id,
        destination_id=destination.id,
        lane=row.lane,
        state=State.COLLECTED if is_collected else State.WAITING,
        is_manual=is_manual,
        was_held=end is not None,
        due_at=end or clock.now(),
    )
    scope.session.add(delivery)
    return delivery


def _receivers(scope: Scope, event: Event) -> list[Destination]:
    """Returns the organization's and the installation's destinations that receive the event."""
    owners: list[ColumnElement[bool]] = [Destination.organization_id.is_(None)]
    if event.reach is Reach.ORGANIZATION and scope.organization_or_none:
        owners.append(Destination.organization_id == scope.organization_or_none.id)
    query = select(Destination).where(or_(*owners), Destination.enabled).order_by(Destination.id)
    return [one for one in scope.session.scalars(query) if events.is_wanted(event, one.events)]


def open_problems(scope: Scope, *problem_events: Event) -> list[Notification]:
    """Returns the owner's open problems of these events, oldest first."""
    query = select(Notification).where(own(scope), Notification.closed_at.is_(None))
    if problem_events:
        query = query.where(Notification.event.in_(problem_events))
    return list(scope.session.scalars(query.order_by(Notification.id)))


def own(scope: Scope) -> Any:
    """Returns the condition that a notification belongs to the owner: organization or installation."""
    organization = scope.organization_or_none
    if organization is None:
        return Notification.organization_id.is_(None)
    return Notification.organization_id == organization.id


def close(scope: Scope, rows: Sequence[Notification]) -> None:
    """Closes problems that are over."""
    if rows:
        is_one = Notification.id.in_([row.id for row in rows])
        is_open = Notification.closed_at.is_(None)
        sql.run(scope, update(Notification).where(is_one, is_open).values(closed_at=clock.now()))
