"""Who did what. Written in the transaction of the change: if it cannot be, nothing changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.models import AuditEvent, Organization
from app.services.scope import Scope

PAGE = 50


def record(
    scope: Scope, action: str, subject: str, changes: Mapping[str, Sequence[Any]] | None = None
) -> None:
    """Adds an event for a change, and marks the organization as changed.

    `changes` maps a field to its value before and after; for a secret, to words about it.
    """
    note(scope, action, subject, changes)
    if scope.found is not None:
        _raise_revision(scope.session, scope.found)


def _raise_revision(session: Session, organization: Organization) -> None:
    """Leaves the version and `updated_at` alone: those are about the organization's own fields."""
    session.execute(
        update(Organization)
        .where(Organization.id == organization.id)
        .values(revision=Organization.revision + 1, updated_at=Organization.updated_at)
        .execution_options(synchronize_session=False)
    )
    session.expire(organization, ["revision"])


def note(scope: Scope, action: str, subject: str, changes: Mapping[str, Sequence[Any]] | None = None) -> None:
    """Adds an event for something that changed nothing in the organization: a sign-in, a read."""
    scope.session.add(
        AuditEvent(
            organization_id=scope.found.id if scope.found else None,
            actor_id=scope.actor.user_id,
            actor_name=_line(scope.actor.name),
            ip=scope.actor.ip,
            request_id=scope.actor.request_id,
            action=action,
            subject=_line(subject),
            changes={name: list(pair) for name, pair in (changes or {}).items()},
        )
    )


def _line(text: str) -> str:
    """One line, so that nobody's name can forge another event."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )[:254]


def recent(scope: Scope, *, before: int | None = None, limit: int = PAGE) -> list[AuditEvent]:
    """The organization's events, newest first, older than the event `before`."""
    query = scope.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return list(scope.session.scalars(query))


def about(scope: Scope, subject: str, *, limit: int = 5) -> list[AuditEvent]:
    """The last events about one thing."""
    query = (
        select(AuditEvent)
        .where(AuditEvent.organization_id == scope.organization.id, AuditEvent.subject == subject)
        .order_by(AuditEvent.id.desc())
        .limit(limit)
    )
    return list(scope.session.scalars(query))


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What differs, as `record` wants it."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def reasoned(reason: str | None) -> dict[str, list[Any]]:
    """Why somebody did it, as `record` wants it beside what changed."""
    return {"reason": [None, reason]} if reason else {}
