"""Asking a provider about one number."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from app.provider import Capability, Provider
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS
from app.services import rate_limits
from app.services.drift import verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.rate_limits import Limit
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

SECONDS = 30
"""For all that one look or one pointing asks of a provider."""

MOST_LOOKS = 300
"""Of one connection, in the throttle's window."""


def can(provider: Provider, capability: Capability) -> bool:
    return capability in provider.capabilities


def can_point(key: str) -> bool:
    return key in PROVIDERS and can(PROVIDERS[key], Capability.POINT)


def look(provider: Provider, http: Outbound, values: Mapping[str, Any], number: str) -> ProbeResult:
    """What the provider has for one number."""
    if not can(provider, Capability.OBSERVE):
        return ProbeResult(trouble=Reason.NOT_SHOWN)
    observe: Any = provider
    return verdicts.run_probe(partial(observe.observe, http, values, number))


def count_look(scope: Scope, provider: Provider) -> None:
    """TooMany where the provider was asked about single numbers too often."""
    rate_limits.take(
        scope, Limit(rate_limits.key("observe", scope.organization.id, provider.key), MOST_LOOKS)
    )


def digest(line: ProviderNumber | None) -> str:
    return hashlib.sha256(repr(line).encode()).hexdigest()[:32]
