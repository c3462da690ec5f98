"""What a superadmin does with a provider: save, forget, enable, disable, make active."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from app.core.errors import Conflict, Invalid, Problem
from app.core.naming import settings_name
from app.core.outbound.client import Outbound
from app.models import AuditEvent, ProviderSwitch
from app.provider import Family, Provider
from app.providers import PROVIDERS, keys_in
from app.services.audit import actions, log, search
from app.services.audit.actions import Action, Trait
from app.services.connections import drafts, provisioning, store, verification
from app.services.connections.drafts import Naming
from app.services.connections.store import State
from app.services.drift import queue
from app.services.scope import Scope, expect_version

FAMILY_WORDS = {Family.VOICE: "the dialer", Family.TELEPHONY: "agent calls", Family.VOICE_AI: "voice AI"}
REASON_LONGEST = 300


def label_of(provider: str, field: str) -> str:
    """A field's name as pages have it."""
    return PROVIDERS[provider].field(field).label


def active(scope: Scope, family: Family) -> str | None:
    """The key of the provider that the family uses now."""
    key: str | None = getattr(scope.organization, f"active_{family}")
    return key


def active_families(scope: Scope, provider: Provider) -> list[Family]:
    return [family for family in provider.families if active(scope, family) == provider.key]


def save(
    scope: Scope,
    provider: Provider,
    changes: Mapping[str, Any],
    *,
    enabled: bool | None = None,
    reason: str | None = None,
    version: int | None = None,
    naming: Naming = settings_name,
    words: Naming = label_of,
    precondition: Callable[[], None] = lambda: None,
) -> dict[str, list[Any]]:
    """Stores what was sent and tells what changed. Absent keeps, None clears, a value replaces.

    `naming` names what is wrong with a field, `words` what an active provider would lack.
    """
    with scope.transaction():
        precondition()
        before = store.load(scope, provider)
        expect_version(before, version)
        told = store.apply(scope, provider, changes, naming)
        if enabled is not None:
            told |= _set_enabled(scope, provider, enabled, reason)
        refuse_breaking_active(scope, before, words)
        if told:
            log.record(scope, Action.CONNECTION_SAVED, provider.label, told)
            queue.mark_due(scope, changed=False)
    return told


def save_sent(
    scope: Scope,
    http: Outbound,
    provider: Provider,
    sent: Mapping[str, Any],
    *,
    version: int | None = None,
) -> dict[str, list[Any]]:
    """As `save`, for what a form sent, and provisions the provider."""
    told = save(scope, provider, drafts.read_sent(scope, provider, sent), version=version)
    provisioning.changed(scope, http, provider)
    return told


def set_enabled(
    scope: Scope,
    http: Outbound,
    provider: Provider,
    enabled: bool,
    *,
    reason: str | None = None,
    version: int | None = None,
) -> None:
    """Disabling keeps the values, and unsets the active provider if it was this one."""
    save(scope, provider, {}, enabled=enabled, reason=reason, version=version)
    provisioning.changed(scope, http, provider)


def _set_enabled(scope: Scope, provider: Provider, enabled: bool, reason: str | None) -> dict[str, list[Any]]:
    """It changes no value: a test of the values as they are by now holds still."""
    before = store.load(scope, provider)
    if before.exists and before.enabled == enabled:
        return {}
    store.row_for(scope, provider).enabled = enabled
    scope.session.flush()
    verification.carry_over(scope, store.load(scope, provider), before.version)
    if not enabled:
        for family in active_families(scope, provider):
            switch(scope, family, None, reason=_because(f"{provider.label} was disabled", reason))
    return {"enabled": [before.exists and before.enabled, enabled]} | log.reasoned(reason)


def _because(what: str, reason: str | None) -> str:
    return f"{what}: {reason}"[:REASON_LONGEST] if reason else what


def forget(
    scope: Scope,
    provider: Provider,
    *,
    reason: str | None = None,
    version: int | None = None,
    precondition: Callable[[], None] = lambda: None,
) -> bool:
    """Deletes the stored values; false where there were none."""
    with scope.transaction():
        precondition()
        state = store.load(scope, provider)
        expect_version(state, version)
        for family in active_families(scope, provider):
            switch(scope, family, None, reason=_because(f"{provider.label} was forgotten", reason))
        store.forget(scope, provider)
        if state.exists:
            told = _forgotten(state) | log.reasoned(reason)
            log.record(scope, Action.CONNECTION_FORGOTTEN, provider.label, told)
    return state.exists


def _forgotten(state: State) -> dict[str, list[Any]]:
    """What was there, so that it can be typed again; of secrets, that they were."""
    key = state.provider.key
    plain = {settings_name(key, name): [value, None] for name, value in state.values.items()}
    return plain | {settings_name(key, name): ["set", "not set"] for name in state.secrets}


def make_active(
    scope: Scope,
    family: Family,
    key: str | None,
    *,
    reason: str | None = None,
    version: int | None = None,
    words: Naming = label_of,
    precondition: Callable[[], None] = lambda: None,
) -> None:
    """Chooses the family's provider; None chooses nobody. Conflict where it is not configured."""
    with scope.transaction():
        precondition()
        expect_version(scope.organization, version)
        choose(scope, family, key, reason=reason, words=words)


def choose(
    scope: Scope,
    family: Family,
    key: str | None,
    *,
    reason: str | None = None,
    words: Naming = label_of,
) -> None:
    """As `make_active`, inside a transaction that is already open."""
    if key is not None:
        provider = store.provider_of(key)
        if family not in provider.families:
            known = " or ".join(keys_in(family))
            message = f"{provider.label} does not serve {FAMILY_WORDS[family]}. Use {known}."
            raise Invalid([Problem("provider", message)])
        refuse_unusable(store.load(scope, provider), words)
    switch(scope, family, key, reason=reason)


def refuse_unusable(state: State, words: Naming) -> None:
    label = state.provider.label
    if state.missing:
        names = ", ".join(words(state.provider.key, field.name) for field in state.missing)
        raise Conflict(f"{label} is not configured. It needs {names}.", code="PROVIDER_NOT_CONFIGURED")
    if not state.enabled:
        raise Conflict(f"{label} is disabled. Enable it first.", code="PROVIDER_DISABLED")


def refuse_breaking_active(scope: Scope, before: State, words: Naming) -> None:
    """An active provider stays configured: whoever clears its values chooses another one first.

    Not so for voice AI, which the contract lets be chosen before its key is there.
    """
    provider = before.provider
    families = [family for family in active_families(scope, provider) if family is not Family.VOICE_AI]
    if not families:
        return
    lost = [field for field in store.load(scope, provider).missing if field not in before.missing]
    if lost:
        used = " and ".join(FAMILY_WORDS[family] for family in families)
        names = ", ".join(words(provider.key, field.name) for field in lost)
        message = (
            f"{provider.label} is active for {used} and needs {names}. Make another provider active first."
        )
        raise Conflict(message, code="PROVIDER_ACTIVE")


def switch(scope: Scope, family: Family, key: str | None, *, reason: str | None) -> None:
    """Writes the choice and its history. Inside a transaction only."""
    was = active(scope, family)
    if was == key:
        return
    setattr(scope.organization, f"active_{family}", key)
    scope.session.add(
        ProviderSwitch(
            organization_id=scope.organization.id,
            family=family,
            was=was,
            now=key,
            reason=reason,
            actor_name=scope.actor.name,
        )
    )
    log.record(
        scope,
        Action.PROVIDER_SWITCHED,
        FAMILY_WORDS[family],
        {"active": [was, key]} | log.reasoned(reason),
    )


@dataclass(frozen=True)
class Change:
    """What was done with a provider, for its history. `undo` is the switch that can be taken back."""

    words: str
    at: datetime
    actor_name: str
    reason: str | None
    undo: int | None = None


def history(scope: Scope, provider: Provider, *, limit: int = 8) -> list[ProviderSwitch]:
    """The last times that the provider was made active or stopped being it."""
    query = (
        scope.select(ProviderSwitch)
        .where((ProviderSwitch.was == provider.key) | (ProviderSwitch.now == provider.key))
        .order_by(ProviderSwitch.id.desc())
        .limit(limit)
    )
    return list(scope.session.scalars(query))


def changes(scope: Scope, provider: Provider, *, limit: int = 8) -> list[Change]:
    """The last that was done with it, newest first."""
    last = _last_switches(scope)
    found = [_switched(provider, row, last) for row in history(scope, provider, limit=limit)]
    for event in search.about(scope, provider.label, limit=50):
        if words := _words_for(event):
            reason = event.changes.get("reason", [None, None])[1]
            found.append(Change(words, event.at, event.actor_name, str(reason) if reason else None))
    return sorted(found, key=lambda change: change.at, reverse=True)[:limit]


def _words_for(event: AuditEvent) -> str | None:
    if enabled := event.changes.get("enabled"):
        return "Enabled" if enabled[1] else "Disabled"
    return actions.happened(event.action) if actions.has(event.action, Trait.IN_PROVIDER_HISTORY) else None


def _switched(provider: Provider, row: ProviderSwitch, last: set[int]) -> Change:
    did = "Made active" if row.now == provider.key else "No longer active"
    words = f"{did} for {FAMILY_WORDS[Family(row.family)]}"
    return Change(words, row.created_at, row.actor_name, row.reason, row.id if row.id in last else None)


def _last_switches(scope: Scope) -> set[int]:
    """The newest of each family: those that can be undone."""
    own = ProviderSwitch.organization_id == scope.organization.id
    query = select(func.max(ProviderSwitch.id)).where(own).group_by(ProviderSwitch.family)
    return set(scope.session.scalars(query))


def undoable(scope: Scope, switch_id: int) -> ProviderSwitch:
    """The switch, or NotFound; Conflict where the family was switched again since."""
    row = scope.get(ProviderSwitch, switch_id, what="change")
    if row.id not in _last_switches(scope):
        message = "The active provider was changed again since. Only the last change can be undone."
        raise Conflict(message, code="CHANGED_SINCE")
    return row


def undo(scope: Scope, switch_id: int, *, reason: str | None, version: int | None = None) -> Family:
    """Makes active what was before the switch. Raises as `undoable` and `make_active`."""
    with scope.transaction():
        expect_version(scope.organization, version)
        row = undoable(scope, switch_id)
        choose(scope, Family(row.family), row.was, reason=reason)
    return Family(row.family)
