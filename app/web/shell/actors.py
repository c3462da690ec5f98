"""The names of the people in audit events, which record their email."""

from __future__ import annotations

from collections.abc import Iterable

from flask import g

from app.models import AuditEvent
from app.services.access import users
from app.services.scope import Scope


def prepare(scope: Scope, events: Iterable[AuditEvent]) -> None:
    """Reads the names of all events for the page."""
    wanted = {event.actor_id for event in events if event.actor_id}
    g.setdefault("actors", {}).update(users.names(scope, wanted))


def name_of(event: AuditEvent) -> str:
    """Returns the name of who did it; what the event recorded if there is none by now."""
    names: dict[str, str] = g.get("actors", {})
    return names.get(event.actor_id or "", event.actor_name)
