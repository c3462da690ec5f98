"""Asking a provider about one number."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from app.provider import Capability, Observes, Provider
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services.connections import gateway
from app.services.connections.gateway import Quota
from app.services.connections.store import StoredConnection
from app.services.drift import verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


def can(provider: Provider, capability: Capability) -> bool:
    return capability in provider.capabilities


def can_point(key: str) -> bool:
    return key in PROVIDERS and can(PROVIDERS[key], Capability.POINT)


def look(
    scope: Scope, http: Outbound, connection: StoredConnection, number: str, *, quota: Quota | None = None
) -> ProbeResult:
    """Returns what the provider has for one number. Raises TooMany."""
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
            quota=quota,
        )
    )


def digest(line: ProviderNumber | None) -> str:
    return hashlib.sha256(repr(line).encode()).hexdigest()[:32]
