"""The last call to a number that an agent answers: at its SIP trunk, and at the agent's provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.models import VoicePhoneNumber
from app.provider import Capability, Provider
from app.providers import trunks
from app.services.connections import gateway, store
from app.services.last_calls import readings
from app.services.last_calls.states import LastCallReport
from app.services.scope import Scope
from app.services.voice_ai import selection

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


def of_number(
    scope: Scope, row: VoicePhoneNumber, failures: dict[str, str] | None = None
) -> list[LastCallReport]:
    """Returns the stored last calls, the trunk's first; none if no agent answers the number."""
    return [
        LastCallReport(
            provider,
            readings.of_number(scope, provider.key, row.phone_number),
            expected=None,
            failure=(failures or {}).get(provider.key, ""),
        )
        for provider in _providers(scope, row)
    ]


def refresh(scope: Scope, http: Outbound, row: VoicePhoneNumber) -> list[LastCallReport]:
    """Reads the last call at each connected provider, and stores it. Raises TooMany, ProviderBusy."""
    number, failures = row.phone_number, {}
    for provider in list(_providers(scope, row)):
        connection = store.load(scope, provider)
        if connection.is_usable:
            failures[provider.key] = readings.read(scope, http, connection, [number], quota=gateway.LAST_CALL)
            readings.record(scope, provider)
    return of_number(scope, row, failures)


def _providers(scope: Scope, row: VoicePhoneNumber) -> Iterator[Provider]:
    if row.ai_enabled:
        answering = (trunks().get(row.provider), selection.of_number(scope, row))
        yield from (one for one in answering if one and Capability.LAST_CALLS in one.capabilities)
