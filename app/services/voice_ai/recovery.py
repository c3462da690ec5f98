"""Interrupted AI changes: stores the number as it is at the provider, and closes the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import Conflict
from app.models import ProviderWrite, User, VoicePhoneNumber
from app.provider import Capability, Provider
from app.providers import trunks
from app.services.audit.actions import Action
from app.services.connections import provider_writes, store
from app.services.scope import Scope
from app.services.voice_ai import imported, numbers
from app.services.voice_ai.imported import Account

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

ACTIONS = (Action.NUMBER_AI_ON, Action.NUMBER_AI_OFF)


def ready(scope: Scope) -> set[str]:
    """Returns the keys of the providers where an AI change was interrupted."""
    return {write.provider for write in _interrupted(scope)}


def is_running(scope: Scope) -> bool:
    """Whether an AI change may still be running."""
    return not all(map(provider_writes.is_interrupted, provider_writes.unfinished(scope, ACTIONS)))


def interrupted(scope: Scope, number: str) -> ProviderWrite | None:
    """Returns the number's interrupted change, if a check has not resolved it yet."""
    writes = provider_writes.unfinished(scope, ACTIONS, number)
    return writes[0] if writes and provider_writes.is_interrupted(writes[0]) else None


def _interrupted(scope: Scope) -> list[ProviderWrite]:
    return [
        write for write in provider_writes.unfinished(scope, ACTIONS) if provider_writes.is_interrupted(write)
    ]


def resolve(scope: Scope, http: Outbound, provider: Provider) -> str | None:
    """Resolves every interrupted change at the provider. Returns why one could not be resolved, or None.

    If the provider is not connected, its changes stay open until it is.
    """
    subjects = {write.subject for write in _interrupted(scope) if write.provider == provider.key}
    account = _account(scope, provider) if subjects else None
    if account is None:
        return None
    failure = None
    for number in sorted(subjects):
        try:
            _resolve(scope, http.within(numbers.SECONDS_FOR_A_LIST), account, number)
        except Conflict as error:
            failure = error.message
    return failure


def _account(scope: Scope, provider: Provider) -> Account | None:
    if Capability.AGENTS not in provider.capabilities:
        return None
    connection = store.load(scope, provider)
    is_connected = connection.is_configured and connection.enabled
    return Account(scope, connection) if is_connected else None


def _resolve(scope: Scope, http: Outbound, account: Account, number: str) -> None:
    """Stores the number as read at the provider, unless it was changed during the request."""
    before = _versions(scope, number)
    scope.end_read()
    entries = account.find(http, number)
    with scope.transaction():
        writes = provider_writes.unfinished(scope, ACTIONS, number)
        if _versions(scope, number) != before or not all(map(provider_writes.is_interrupted, writes)):
            return
        answered = [one for one in entries if one.agent_id]
        for row, _ in _holders(scope, number):
            if row.ai_provider in (None, account.provider.key):
                target = imported.preferred(answered, row.ai_phone_number_id)
                numbers.store_agent(scope, row, account.provider, target, row.ai_agent_id)
        provider_writes.resolve(scope, account.provider, {number: imported.described(entries)})


def _holders(scope: Scope, number: str) -> list[tuple[VoicePhoneNumber, User]]:
    return [pair for carrier in trunks() for pair in numbers.holders(scope, carrier, number)]


def _versions(scope: Scope, number: str) -> dict[str, int]:
    return {row.id: row.version for row, _ in _holders(scope, number)}
