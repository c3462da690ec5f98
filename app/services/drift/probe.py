"""Reads one number at its provider."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from app.provider import Capability, Observes, Provider
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.connections.gateway import Quota
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.drift import queue, verdicts
from app.services.drift.verdicts import Observation, ProbeResult
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


def can(provider: Provider, capability: Capability) -> bool:
    return capability in provider.capabilities


def can_point(key: str) -> bool:
    return key in PROVIDERS and can(PROVIDERS[key], Capability.POINT)


def can_restore(key: str) -> bool:
    return key in PROVIDERS and can(PROVIDERS[key], Capability.RESTORE)


def read_number(
    scope: Scope, http: Outbound, connection: StoredConnection, number: str, *, quota: Quota | None = None
) -> ProbeResult:
    """Reads one number at its provider, if the connection can be used. Raises TooMany."""
    if not connection.is_usable:
        return ProbeResult(trouble=Reason.PROVIDER_NOT_CONFIGURED)
    if not can(connection.provider, Capability.OBSERVE):
        return ProbeResult(trouble=Reason.NOT_SHOWN)
    observer = cast(Observes, connection.provider)
    return verdicts.run_probe(
        lambda: gateway.call(
            scope,
            http,
            connection,
            lambda client, values: observer.observe(client, values, number),
            evidence=Evidence.NUMBER,
            quota=quota,
        )
    )


def observe(
    scope: Scope,
    http: Outbound,
    connection: StoredConnection,
    number: str,
    expected: str | None,
    *,
    quota: Quota | None = None,
) -> Observation:
    """Reads one number, saves the result in a transaction, and returns it with its verdict.

    Raises TooMany.
    """
    result = read_number(scope, http, connection, number, quota=quota)
    scope.end_read()
    with scope.transaction():
        queue.save_results(scope, connection.provider.key, {number: result})
    return verdicts.observation(connection.provider.label, result, expected)


def digest(number: ProviderNumber | None) -> str:
    """Returns a digest of a number's settings at the provider: any change of them changes it."""
    without_place = number and replace(number, place=None)
    return hashlib.sha256(repr(without_place).encode()).hexdigest()[:32]
