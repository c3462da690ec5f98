"""Reads several numbers at a provider: a call for each of a few, or one listing for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from app.provider import Capability, Numbers, incomplete
from app.provider import numbers as provider_numbers
from app.provider.numbers import ProviderNumber, Reason
from app.services.connections import gateway, proof
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.drift import probe, queue, verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

FEW = 10
"""Up to this many numbers are read one by one; for more, the account's whole list is read."""

SECONDS = 120
"""Seconds for reading a few numbers one by one."""

LISTING = 900
"""Seconds for an account's whole list. Further calls for each number have their own deadline."""

Lookup = Callable[[str], ProbeResult]


def of(
    scope: Scope,
    http: Outbound,
    state: StoredConnection,
    count: int,
    *,
    places: Mapping[str, str] = MappingProxyType({}),
) -> Lookup:
    """Returns a function that reads a number, for a run of `count` numbers.

    Places in `places` are not read again.
    """
    provider = state.provider
    few = 1 if provider.observes_by_listing else FEW
    if not state.is_usable:
        return lambda _number: ProbeResult(trouble=Reason.PROVIDER_NOT_CONFIGURED)
    if count <= few or not probe.can(provider, Capability.NUMBERS):
        near = http.within(SECONDS)
        return _stopping_at_outage(lambda number: probe.read_number(scope, near, state, number))
    return _from_list(scope, http, state, {**queue.places(scope, provider.key), **places})


def _from_list(scope: Scope, http: Outbound, state: StoredConnection, places: Mapping[str, str]) -> Lookup:
    numbers: dict[str, ProviderNumber] = {}
    provider, listing, is_whole = state.provider, cast(Numbers, state.provider), True

    def read_all(client: Outbound, values: Mapping[str, Any]) -> None:
        nonlocal numbers, is_whole
        numbers, is_whole = provider_numbers.by_number(listing.numbers(client, values))

    shared = http.within(LISTING)
    trouble = verdicts.run_probe(
        lambda: gateway.call(scope, shared, state, read_all, evidence=Evidence.NUMBERS)
    )
    if trouble.trouble:
        return lambda _number: trouble

    def complete(phone_number: str) -> ProbeResult:
        def call(client: Outbound, values: Mapping[str, Any]) -> ProviderNumber | None:
            number, place = numbers.get(phone_number), places.get(phone_number)
            if number is None and not is_whole:
                raise incomplete(provider.label)
            return provider.completed(client, values, number, phone_number=phone_number, place=place)

        return verdicts.run_probe(lambda: gateway.call(scope, http, state, call, evidence=Evidence.NUMBERS))

    return _stopping_at_outage(complete)


def _stopping_at_outage(look: Lookup) -> Lookup:
    """Returns a lookup that sends no more requests after an outage or rate limit.

    Later numbers then have the same result.
    """
    unanswered: list[ProbeResult] = []

    def guarded(number: str) -> ProbeResult:
        if unanswered:
            return unanswered[0]
        result = look(number)
        if result.outcome in proof.PASSING:
            unanswered.append(result)
        return result

    return guarded
