"""The names of the users in audit events, which record their email."""

from __future__ import annotations

from collections.abc import Iterable

from flask import g

from app.models import AuditEvent
from app.services.access import users
from app.services.scope import Scope


def prepare(scope: Scope, events: Iterable[AuditEvent]) -> None:
    """Loads the names of the events' actors for the page."""
    actor_ids = {event.actor_id for event in events if event.actor_id}
    g.setdefault("actors", {}).update(users.names(scope, actor_ids))


def name_of(event: AuditEvent) -> str:
    """Returns the actor's present name; the recorded one if the user no longer exists."""
    names: dict[str, str] = g.get("actors", {})
    return names.get(event.actor_id or "", event.actor_name)
