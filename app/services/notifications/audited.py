"""Drafts of notifications from audit events, which wait in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlalchemy import delete, select

from app import providers
from app.core.outbound import addresses
from app.models import AuditEvent, Notification, NotificationOutbox, Role, User
from app.services import sql
from app.services.audit.actions import Action
from app.services.notifications import messages, record
from app.services.notifications.events import Event, Reach
from app.services.notifications.record import Draft
from app.services.scope import Scope

BATCH = 500
PLACES = 500
"""How many earlier sign-ins a new one is compared with."""


def drafts(scope: Scope) -> list[Draft]:
    """Removes the owner's events from the outbox, and returns their drafts, oldest first.

    Notifications that concern the installation alone are added to it directly.
    """
    owner = scope.organization_or_none.id if scope.organization_or_none else None
    query = (
        select(AuditEvent)
        .join(NotificationOutbox)
        .where(AuditEvent.organization_id.is_not_distinct_from(owner))
        .order_by(AuditEvent.id)
        .limit(BATCH)
    )
    events = list(scope.session.scalars(query))
    if not events:
        return []
    of_events = NotificationOutbox.audit_event_id.in_([event.id for event in events])
    sql.run(scope, delete(NotificationOutbox).where(of_events))
    drafted = []
    for event in events:
        draft = _READERS[event.action](scope, event)
        if draft and draft.event.reach is not Reach.ORGANIZATION and owner:
            _add_to_installation(scope, draft)
        elif draft:
            drafted.append(draft)
    return drafted


def _add_to_installation(scope: Scope, draft: Draft) -> None:
    record.add(replace(scope, organization_or_none=None), draft)


def _provider_switched(_scope: Scope, event: AuditEvent) -> Draft:
    key = event.changes["active"][1]
    return Draft(
        Event.PROVIDER_SWITCHED,
        lane="settings",
        provider=key if isinstance(key, str) else None,
        subject=event.subject,
        detail=messages.changed_by(event.actor_name),
        at=event.at,
    )


def _organization_saved(_scope: Scope, event: AuditEvent) -> Draft | None:
    if "public_base_url" not in event.changes:
        return None
    url = event.changes["public_base_url"][1]
    return Draft(
        Event.BASE_URL_CHANGED,
        lane="settings",
        subject=str(url or ""),
        detail=messages.changed_by(event.actor_name),
        at=event.at,
    )


def _signed_in(scope: Scope, event: AuditEvent) -> Draft | None:
    user = scope.session.get(User, event.actor_id) if event.actor_id else None
    if user is None or user.role != Role.SUPERADMIN or not event.ip:
        return None
    before = (
        select(AuditEvent.ip)
        .where(
            AuditEvent.organization_id == event.organization_id,
            AuditEvent.action == event.action,
            AuditEvent.actor_id == user.id,
            AuditEvent.id < event.id,
        )
        .order_by(AuditEvent.id.desc())
        .limit(PLACES)
    )
    known_networks = {addresses.network(ip) for ip in scope.session.scalars(before)}
    if not known_networks or addresses.network(event.ip) in known_networks:
        return None
    return Draft(Event.SIGN_IN_NEW_PLACE, lane="access", subject=user.email, detail=event.ip, at=event.at)


def _call_webhook_failed(scope: Scope, event: AuditEvent) -> Draft | None:
    key = _provider(event)
    if _open_problems(scope, key):
        return None
    reason = event.changes.get("reason", [None, None])[1]
    return Draft(
        Event.CALL_WEBHOOK_DISABLED,
        lane=_webhook_key(key),
        key=_webhook_key(key),
        provider=key,
        detail=str(reason or "") or None,
        since=event.at,
        at=event.at,
    )


def _call_webhook_works(scope: Scope, event: AuditEvent) -> Draft | None:
    key = _provider(event)
    reported = _open_problems(scope, key)
    record.close(scope, reported)
    if not reported:
        return None
    return Draft(Event.CALL_WEBHOOK_RECOVERED, lane=_webhook_key(key), provider=key, at=event.at)


def _open_problems(scope: Scope, key: str) -> Sequence[Notification]:
    problems = record.open_problems(scope, Event.CALL_WEBHOOK_DISABLED)
    return [row for row in problems if row.key == _webhook_key(key)]


def _webhook_key(key: str) -> str:
    return f"webhook:{key}"


def _provider(event: AuditEvent) -> str:
    """Returns the key of the provider that is the event's subject."""
    return next((key for key in providers.PROVIDERS if providers.label(key) == event.subject), event.subject)


def _keys_rotated(_scope: Scope, event: AuditEvent) -> Draft:
    return Draft(Event.KEYS_ROTATED, lane="keys", detail=messages.changed_by(event.actor_name), at=event.at)


_READERS: dict[str, Callable[[Scope, AuditEvent], Draft | None]] = {
    Action.PROVIDER_SWITCHED: _provider_switched,
    Action.ORGANIZATION_SAVED: _organization_saved,
    Action.SIGNED_IN: _signed_in,
    Action.CALL_WEBHOOK_FAILED: _call_webhook_failed,
    Action.CALL_WEBHOOK_WORKS: _call_webhook_works,
    Action.KEYS_ROTATED: _keys_rotated,
}
"""The function that makes a draft of an event, for each action with `Trait.NOTIFIES`."""
