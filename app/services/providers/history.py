"""The history of a provider: its changes and tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.models import AuditEvent, ProviderSwitch
from app.provider import Family, Provider
from app.services.audit import actions, search
from app.services.audit.actions import Trait
from app.services.providers import active
from app.services.scope import Scope


@dataclass(frozen=True)
class Change:
    """An entry of the history. `undo` is the id of a switch that can be undone."""

    words: str
    at: datetime
    actor_name: str
    reason: str | None
    undo: int | None = None


def history(scope: Scope, provider: Provider, *, limit: int = 8) -> list[ProviderSwitch]:
    """Returns the last switches to or from the provider."""
    query = (
        scope.select(ProviderSwitch)
        .where((ProviderSwitch.was == provider.key) | (ProviderSwitch.now == provider.key))
        .order_by(ProviderSwitch.id.desc())
        .limit(limit)
    )
    return list(scope.session.scalars(query))


def changes(scope: Scope, provider: Provider, *, limit: int = 8) -> list[Change]:
    """Returns the last changes of the provider, newest first."""
    last = active.last_switches(scope)
    entries = [_switched(provider, row, last) for row in history(scope, provider, limit=limit)]
    for event in search.about(scope, provider.label, limit=50):
        if words := _words_for(event):
            reason = event.changes.get("reason", [None, None])[1]
            entries.append(Change(words, event.at, event.actor_name, str(reason) if reason else None))
    return sorted(entries, key=lambda change: change.at, reverse=True)[:limit]


def _words_for(event: AuditEvent) -> str | None:
    if enabled := event.changes.get("enabled"):
        return "Enabled" if enabled[1] else "Disabled"
    if not actions.has(event.action, Trait.IN_PROVIDER_HISTORY):
        return None
    label, result = actions.label_of(event.action), actions.tested_text(event.changes)
    return f"{label}: {result}" if result else label


def _switched(provider: Provider, row: ProviderSwitch, last: set[int]) -> Change:
    effect = "Made default" if row.now == provider.key else "No longer default"
    words = f"{effect} for {active.FAMILY_WORDS[Family(row.family)]}"
    return Change(words, row.created_at, row.actor_name, row.reason, row.id if row.id in last else None)
