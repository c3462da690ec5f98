"""The default provider of each family, and changing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, select

from app.core.errors import Conflict, Invalid, Problem
from app.models import ProviderSwitch
from app.provider import Capability, Family, Provider
from app.providers import PROVIDERS, in_family
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections import messages as connection_messages
from app.services.connections.drafts import Naming
from app.services.connections.store import StoredConnection
from app.services.providers import messages
from app.services.scope import Scope, expect_version

FAMILY_WORDS = {Family.VOICE: "the dialer", Family.TELEPHONY: "agent calls", Family.VOICE_AI: "voice AI"}
REASON_LONGEST = 300


def label_of(provider: str, field: str) -> str:
    """Returns a field's label."""
    return PROVIDERS[provider].field(field).label


def choices(family: Family) -> tuple[str, ...]:
    """Returns the keys of the providers that can be the family's default.

    A SIP trunk cannot be the default for voice AI: it has no agents.
    """
    return tuple(
        one.key
        for one in in_family(family)
        if family is not Family.VOICE_AI or Capability.AGENTS in one.capabilities
    )


def active(scope: Scope, family: Family) -> str | None:
    """Returns the key of the family's default provider."""
    key: str | None = getattr(scope.organization, f"active_{family}")
    return key


def active_families(scope: Scope, provider: Provider) -> list[Family]:
    return [family for family in provider.families if active(scope, family) == provider.key]


def because(what: str, reason: str | None) -> str:
    return f"{what}: {reason}"[:REASON_LONGEST] if reason else what


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
    """Sets the family's default provider, or none. Raises Conflict if it is not configured."""
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
    """Sets the family's default provider as `make_active` does, in an open transaction."""
    if key is not None:
        provider = store.provider_of(key)
        if key not in choices(family):
            message = messages.wrong_family(provider.label, FAMILY_WORDS[family], choices(family))
            raise Invalid([Problem("provider", message)])
        refuse_unusable(store.load(scope, provider), words)
    switch(scope, family, key, reason=reason)


def refuse_unusable(state: StoredConnection, words: Naming) -> None:
    label = state.provider.label
    if state.missing:
        missing = [words(state.provider.key, field.name) for field in state.missing]
        message = connection_messages.not_configured(label, missing)
        raise Conflict(message, code=gateway.NOT_CONFIGURED)
    if not state.enabled:
        raise Conflict(messages.is_disabled(label), code="PROVIDER_DISABLED")


def refuse_breaking_active(
    scope: Scope, before: StoredConnection, changes: Mapping[str, Any], words: Naming
) -> None:
    """Raises Conflict if the changes clear a value that a default provider requires.

    Voice AI is exempt: its contract allows a choice before the key is stored.
    """
    provider = before.provider
    families = [family for family in active_families(scope, provider) if family is not Family.VOICE_AI]
    if not families:
        return
    lost = [field for field in before.missing_after(changes) if field not in before.missing]
    if lost:
        used = [FAMILY_WORDS[family] for family in families]
        missing = [words(provider.key, field.name) for field in lost]
        message = messages.default_needs(provider.label, used, missing)
        raise Conflict(message, code="PROVIDER_ACTIVE")


def switch(scope: Scope, family: Family, key: str | None, *, reason: str | None) -> None:
    """Stores the choice and its history, and audits it."""
    scope.require_transaction()
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


def last_switches(scope: Scope) -> set[int]:
    """Returns the ids of each family's last switch, which can be undone."""
    own = ProviderSwitch.organization_id == scope.organization.id
    query = select(func.max(ProviderSwitch.id)).where(own).group_by(ProviderSwitch.family)
    return set(scope.session.scalars(query))


def undoable(scope: Scope, switch_id: int) -> ProviderSwitch:
    """Returns the switch. Raises NotFound; Conflict if the family was switched again since."""
    row = scope.get(ProviderSwitch, switch_id, what="change")
    if row.id not in last_switches(scope):
        raise Conflict(messages.CHANGED_SINCE, code="CHANGED_SINCE")
    return row


def undo(scope: Scope, switch_id: int, *, reason: str | None, version: int | None = None) -> Family:
    """Restores the default from before the switch. Raises the errors of `undoable` and `make_active`."""
    with scope.transaction():
        expect_version(scope.organization, version)
        row = undoable(scope, switch_id)
        choose(scope, Family(row.family), row.was, reason=reason)
    return Family(row.family)
