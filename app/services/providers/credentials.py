"""Saving, enabling, disabling and disconnecting a provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.core.naming import settings_name
from app.provider import Provider
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import drafts, provisioning, store
from app.services.connections.drafts import Naming
from app.services.connections.store import StoredConnection
from app.services.drift import queue
from app.services.providers import active, messages
from app.services.scope import Scope, expect_version

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


def save(
    scope: Scope,
    provider: Provider,
    changes: Mapping[str, Any],
    *,
    enabled: bool | None = None,
    reason: str | None = None,
    version: int | None = None,
    naming: Naming = settings_name,
    words: Naming = active.label_of,
    precondition: Callable[[], None] = lambda: None,
) -> dict[str, list[Any]]:
    """Stores the changes, and returns those that differ. An absent value stays; None clears one.

    `naming` names the field of a problem, `words` the fields that a default provider would lack. The
    connection is loaded once, inside the transaction.
    """
    with scope.transaction():
        precondition()
        before = store.load(scope, provider)
        expect_version(before, version)
        changed = store.apply(scope, provider, changes, naming, before=before)
        if enabled is not None:
            is_new = not before.exists and not changed
            changed |= _set_enabled(scope, before, enabled, reason, is_new=is_new)
        active.refuse_breaking_active(scope, before, changes, words)
        if changed:
            log.record(scope, Action.CONNECTION_SAVED, provider.label, changed)
            queue.mark_due(scope, changed=False)
    return changed


def save_submitted(
    scope: Scope,
    http: Outbound,
    provider: Provider,
    submitted: Mapping[str, Any],
    *,
    version: int | None = None,
) -> dict[str, list[Any]]:
    """Saves the values of a form as `save` does, then provisions the provider."""
    changed = save(scope, provider, drafts.read_submitted(scope, provider, submitted), version=version)
    provisioning.changed(scope, http, provider)
    return changed


def set_enabled(
    scope: Scope,
    http: Outbound,
    provider: Provider,
    enabled: bool,
    *,
    reason: str | None = None,
    version: int | None = None,
) -> None:
    """Enables or disables the connection. Its credentials stay.

    Disabling also unsets it as the default of its families.
    """
    save(scope, provider, {}, enabled=enabled, reason=reason, version=version)
    provisioning.changed(scope, http, provider)


def _set_enabled(
    scope: Scope, before: StoredConnection, enabled: bool, reason: str | None, *, is_new: bool
) -> dict[str, list[Any]]:
    provider = before.provider
    row = store.row_for(scope, provider)
    was_enabled = row.enabled and not is_new
    if not is_new and was_enabled == enabled:
        return {}
    row.enabled = enabled
    scope.session.flush()
    if not enabled:
        for family in active.active_families(scope, provider):
            active.switch(
                scope, family, None, reason=active.because(messages.was_disabled(provider.label), reason)
            )
    return {"enabled": [was_enabled, enabled]} | log.reasoned(reason)


def disconnect(
    scope: Scope,
    provider: Provider,
    *,
    reason: str | None = None,
    version: int | None = None,
    precondition: Callable[[], None] = lambda: None,
) -> bool:
    """Deletes the stored credentials. Returns False if there were none."""
    with scope.transaction():
        precondition()
        state = store.load(scope, provider)
        expect_version(state, version)
        for family in active.active_families(scope, provider):
            active.switch(
                scope, family, None, reason=active.because(messages.was_disconnected(provider.label), reason)
            )
        store.delete_all(scope, provider)
        queue.mark_due(scope, changed=False)
        if state.exists:
            deleted = _deleted(state) | log.reasoned(reason)
            log.record(scope, Action.CONNECTION_DISCONNECTED, provider.label, deleted)
    return state.exists


def _deleted(state: StoredConnection) -> dict[str, list[Any]]:
    """Returns the deleted values for the audit log; of secrets, only that they were set."""
    key = state.provider.key
    plain = {settings_name(key, name): [value, None] for name, value in state.values.items()}
    return plain | {settings_name(key, name): ["set", "not set"] for name in state.secrets}
