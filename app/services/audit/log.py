"""Writes audit events in the transaction of the change: if an event cannot be written, nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.models import AuditEvent, AuditNumbers, NotificationOutbox, Organization
from app.services.audit import chain
from app.services.audit import numbers as audit_numbers
from app.services.audit.actions import Action, Trait
from app.services.audit.numbers import Changes
from app.services.scope import Scope


def record(
    scope: Scope,
    action: Action,
    subject: str,
    changes: Changes | None = None,
    numbers: Iterable[tuple[str, Changes]] = (),
    *,
    packed: Sequence[AuditNumbers] = (),
) -> AuditEvent:
    """Adds an event for a change, and increments the organization's revision.

    `changes` maps a field to its value before and after; a secret's values are words, such as "set".
    `numbers` are changed phone numbers with such mappings: the event is in the history of each. They can be
    `packed` before the transaction.
    """
    event = note(scope, action, subject, changes)
    if rows := list(packed) or audit_numbers.packed(event.organization_id, numbers):
        event.numbers, event.numbers_digest = rows, audit_numbers.digest_of(rows)
    if scope.organization_or_none is not None:
        _raise_revision(scope.session, scope.organization_or_none)
    return event


def _raise_revision(session: Session, organization: Organization) -> None:
    """Increments the revision.

    Version and `updated_at` stay: they are about the organization's own fields.
    """
    session.execute(
        update(Organization)
        .where(Organization.id == organization.id)
        .values(revision=Organization.revision + 1, updated_at=Organization.updated_at)
        .execution_options(synchronize_session=False)
    )
    session.expire(organization, ["revision"])


def note(scope: Scope, action: Action, subject: str, changes: Changes | None = None) -> AuditEvent:
    """Adds an event that changes nothing in the organization, such as a sign-in or a read."""
    scope.require_transaction()
    event = AuditEvent(
        organization_id=scope.organization_or_none.id if scope.organization_or_none else None,
        actor_id=scope.actor.user_id,
        actor_name=_single_line(scope.actor.name),
        ip=scope.actor.ip,
        request_id=scope.actor.request_id,
        action=action.value,
        subject=_single_line(subject),
        changes={name: list(pair) for name, pair in (changes or {}).items()},
    )
    chain.add(scope, event)
    if Trait.NOTIFIES in action.traits:
        scope.before_commit(_add_to_outbox, event)
    return event


def _add_to_outbox(scope: Scope, events: list[AuditEvent]) -> None:
    """Adds events to the outbox.

    It runs after they were added to their chains, and flushes to get their ids.
    """
    scope.session.flush()
    scope.session.add_all(NotificationOutbox(audit_event_id=event.id) for event in events)


def _single_line(text: str) -> str:
    """Returns one line without control characters, so that a name cannot imitate another event."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )[:254]


def note_export(scope: Scope, action: Action, form: str, filters: Mapping[str, str]) -> None:
    """Audits an export: its format and filter."""
    with scope.transaction(lock=False):
        changes = {"format": [None, form]} | {name: [None, value] for name, value in filters.items()}
        note(scope, action, action.value.partition(".")[0], changes)


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Returns the fields that differ, as `record` accepts them."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def reasoned(reason: str | None) -> dict[str, list[Any]]:
    """Returns the reason in the form of a change, for `record`."""
    return {"reason": [None, reason]} if reason else {}
