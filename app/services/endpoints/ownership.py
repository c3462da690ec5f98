"""Whether the connected account has a number that is being added: a hint, which never blocks saving."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import providers
from app.core.errors import TooMany
from app.provider import Capability, Family
from app.providers import PROVIDERS, keys_in
from app.services.connections import store
from app.services.drift import lookup, probe
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

SECONDS = 5
"""The longest time that a user waits for the hint while typing."""


@dataclass(frozen=True)
class Ownership:
    """Whether the account has the number (None: unknown), and how long the request took."""

    provider: str
    is_owned: bool | None
    latency_ms: int


def can_look(scope: Scope, key: str) -> bool:
    """Whether the provider is connected, and its API can read numbers."""
    if key not in keys_in(Family.TELEPHONY):
        return False
    provider = PROVIDERS[key]
    return probe.can(provider, Capability.OBSERVE) and store.load(scope, provider).is_usable


def check(scope: Scope, http: Outbound, key: str, number: str) -> Ownership:
    """Reads the number at the provider."""
    label, began = providers.label(key), time.monotonic()
    state = store.load(scope, PROVIDERS[key])
    try:
        result = lookup.of(scope, http.within(SECONDS), state, 1)(number)
    except TooMany:
        return Ownership(label, None, 0)
    is_owned = None if result.trouble else result.number is not None
    return Ownership(label, is_owned, round((time.monotonic() - began) * 1000))
