"""One endpoint's number at its provider: looking at it, and making it call its webhook URL."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.core.errors import Conflict, Stale
from app.core.outbound.client import Outbound
from app.models import Endpoint
from app.provider import Capability, Provider
from app.provider.numbers import Line, Reason
from app.providers import PROVIDERS
from app.services import drift, endpoints, rate_limits
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections.provider_writes import Intent
from app.services.connections.store import State
from app.services.drift import Observation, Sight
from app.services.rate_limits import Limit
from app.services.scope import Scope

SECONDS = 30
"""For all that one look or one pointing asks of a provider."""

MOST_LOOKS = 300
"""Of one connection, in the throttle's window."""


@dataclass(frozen=True)
class Plan:
    """What pointing would replace. `seen` stands for what is there now: pointing takes it back."""

    endpoint: Endpoint
    now: Observation
    can_point: bool
    seen: str


def can(provider: Provider, capability: Capability) -> bool:
    return capability in provider.capabilities


def can_point(key: str) -> bool:
    return key in PROVIDERS and can(PROVIDERS[key], Capability.POINT)


def look(provider: Provider, http: Outbound, values: Mapping[str, Any], number: str) -> Sight:
    """What the provider has for one number."""
    if not can(provider, Capability.OBSERVE):
        return Sight(trouble=Reason.NOT_SHOWN)
    observe: Any = provider
    return drift.seen(partial(observe.observe, http, values, number))


def observe(scope: Scope, http: Outbound, endpoint_id: str) -> Observation:
    """Asks the provider about the endpoint's number, and keeps what it said.

    No transaction is open while the provider is asked. Raises NotFound, TooMany.
    """
    row = endpoints.get(scope, endpoint_id)
    state = store.load(scope, store.provider_of(row.provider))
    count_look(scope, state.provider)
    return _observed(scope, http.within(SECONDS), state, row)


def _observed(scope: Scope, http: Outbound, state: State, row: Endpoint) -> Observation:
    expected = drift.expected_url(scope.organization.public_base_url, row)
    provider, number = row.provider, row.phone_number
    scope.let_go()
    if state.is_configured and state.enabled:
        sight = look(state.provider, http, state.credentials, number)
    else:
        sight = Sight(trouble=Reason.PROVIDER_NOT_CONFIGURED)
    with scope.transaction(lock=False):
        drift.keep(scope, provider, {number: sight})
    return drift.observation(state.provider.label, sight, expected)


def count_look(scope: Scope, provider: Provider) -> None:
    """TooMany where the provider was asked about single numbers too often."""
    rate_limits.take(
        scope, Limit(rate_limits.key("observe", scope.organization.id, provider.key), MOST_LOOKS)
    )


def plan(scope: Scope, http: Outbound, endpoint_id: str) -> Plan:
    """What is there now, and so what pointing would replace. Raises as `observe`."""
    now = observe(scope, http, endpoint_id)
    row = endpoints.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    can_point = can(provider, Capability.POINT) and now.line is not None and now.expected is not None
    return Plan(row, now, can_point, digest(now.line))


def digest(line: Line | None) -> str:
    return hashlib.sha256(repr(line).encode()).hexdigest()[:32]


def point(scope: Scope, http: Outbound, endpoint_id: str, *, seen: str | None = None) -> Observation:
    """Makes the number call its webhook URL, and tells what the provider has afterwards.

    `seen` is a plan's: where something else is there by now, nothing is changed and Stale is raised.
    Conflict where the provider cannot, refuses, or has no such number.
    """
    row = endpoints.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    url = _wanted(scope, provider, row)
    http = http.within(SECONDS)
    before = observe(scope, http, endpoint_id)
    if before.line is None:
        raise Conflict(before.message, code=str(before.reason or "").upper())
    if seen is not None and seen != digest(before.line):
        raise Stale(f"{provider.label} has something else for this number than what was shown. Look again.")
    if before.in_sync:
        return before
    return _set(scope, http, row, before.line, url)


def _wanted(scope: Scope, provider: Provider, row: Endpoint) -> str:
    if not can(provider, Capability.POINT):
        message = f"{provider.label} has no way to set this from here. Follow the steps on the number's page."
        raise Conflict(message, code="CANNOT_POINT")
    url = drift.expected_url(scope.organization.public_base_url, row)
    if url is None:
        reason = endpoints.blocked_reason(
            scope.organization, endpoints.telephony_states(scope), row, "inbound"
        )
        message = (
            "There is no webhook URL to set: the number is inactive, or has no inbound agent or base URL."
        )
        raise Conflict(message, code=str(reason or "endpoint_inactive").upper())
    return url


def _set(scope: Scope, http: Outbound, row: Endpoint, line: Line, url: str) -> Observation:
    state = store.load(scope, store.provider_of(row.provider))
    pointing: Any = state.provider
    before = drift.address(line)
    changes = {"webhook": [before, url]} | _taken_away(line)
    number = row.phone_number
    intent = Intent(scope, http, Action.NUMBER_POINTED, state.provider, subject=number, changes=changes)
    scope.let_go()
    done = drift.seen(lambda: pointing.point(intent.http, state.credentials, line, url))
    after = _observed(scope, http, state, row)
    if after.in_sync is True or not done.trouble:
        with scope.transaction():
            told = {"webhook": [before, after.actual]} | _taken_away(line)
            log.record(scope, Action.NUMBER_POINTED, number, told)
            intent.done()
        return after
    if after.in_sync is None:
        intent.is_unknown(done.sentence)
    else:
        intent.failed(done.sentence)
    raise Conflict(f"{done.sentence} The number was not set.", code=gateway.code_of(done.outcome))


def _taken_away(line: Line) -> dict[str, list[Any]]:
    return {str(line.in_the_way): [line.through, None]} if line.in_the_way else {}
