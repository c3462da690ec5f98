"""Messages that were delayed by a quiet period, and are no longer needed after it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select

from app.models import Delivery, Destination, Notification, Organization
from app.services.notifications.events import Event
from app.services.notifications.states import State
from app.services.scope import Scope

PROBLEM_OF = {
    Event.NUMBER_RECOVERED: Event.NUMBER_UNHEALTHY,
    Event.CONNECTION_RECOVERED: Event.CONNECTION_REFUSED,
    Event.CALL_WEBHOOK_RECOVERED: Event.CALL_WEBHOOK_DISABLED,
}


def is_settled(scope: Scope, delivery: Delivery, row: Notification) -> bool:
    """Whether the message is not needed: a problem that is over, or recovery from an unsent one."""
    event = Event.of(row.event)
    if event.is_problem:
        return row.closed_at is not None
    problem = PROBLEM_OF.get(event)
    return problem is not None and _was_skipped(scope, delivery, row, problem)


def _was_skipped(scope: Scope, delivery: Delivery, row: Notification, problem: Event) -> bool:
    """Whether all messages about the problem to this destination were skipped.

    Within a lane, they were sent or skipped in order.
    """
    query = (
        select(Notification, Delivery.state)
        .join(Delivery, Delivery.notification_id == Notification.id)
        .where(
            Delivery.destination_id == delivery.destination_id,
            Delivery.lane == delivery.lane,
            ~Delivery.is_manual,
            Notification.event == problem,
            Notification.id < row.id,
        )
        .order_by(Notification.id.desc())
        .limit(200)
    )
    remaining = set(row.subjects) or {row.subject}
    for problem_row, state in scope.session.execute(query):
        if row.count > len(row.subjects) > 0:
            return False
        shared = remaining & (set(problem_row.subjects) or {problem_row.subject})
        if shared and state != State.SKIPPED:
            return False
        remaining -= shared
    return not remaining


def scope_of(scope: Scope, destination: Destination) -> Scope:
    """Returns the scope of the destination's organization, or of the installation."""
    owner = destination.organization_id
    organization = scope.session.get_one(Organization, owner) if owner else None
    return replace(scope, organization_or_none=organization)
