"""One endpoint's number at its provider: looking at it, and making it call its webhook URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.errors import Conflict, Stale
from app.models import Endpoint
from app.provider import Capability, Provider
from app.provider.numbers import ProviderNumber
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections.gateway import Quota
from app.services.connections.provider_writes import Intent
from app.services.connections.store import StoredConnection
from app.services.drift import probe, queue, verdicts
from app.services.drift.verdicts import Observation
from app.services.endpoints import crud, readiness
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Plan:
    """What pointing would replace. `seen` stands for what is there now: pointing takes it back."""

    endpoint: Endpoint
    now: Observation
    can_point: bool
    seen: str


def observe(scope: Scope, http: Outbound, endpoint_id: str) -> Observation:
    """Asks the provider about the endpoint's number, and keeps what it said.

    No transaction is open while the provider is asked. Raises NotFound, TooMany.
    """
    row = crud.get(scope, endpoint_id)
    state = store.load(scope, store.provider_of(row.provider))
    return _observed(scope, http, state, row, quota=gateway.OBSERVE)


def _observed(
    scope: Scope, http: Outbound, state: StoredConnection, row: Endpoint, *, quota: Quota | None = None
) -> Observation:
    expected = verdicts.expected_url(scope.organization.public_base_url, row)
    provider, number = row.provider, row.phone_number
    sight = probe.look(scope, http, state, number, quota=quota)
    scope.end_read()
    with scope.transaction(lock=False):
        queue.save_results(scope, provider, {number: sight})
    return verdicts.observation(state.provider.label, sight, expected)


def plan(scope: Scope, http: Outbound, endpoint_id: str) -> Plan:
    """What is there now, and so what pointing would replace. Raises as `observe`."""
    now = observe(scope, http, endpoint_id)
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    can_point = probe.can(provider, Capability.POINT) and now.line is not None and now.expected is not None
    return Plan(row, now, can_point, probe.digest(now.line))


def point(scope: Scope, http: Outbound, endpoint_id: str, *, seen: str | None = None) -> Observation:
    """Makes the number call its webhook URL, and tells what the provider has afterwards.

    `seen` is a plan's: where something else is there by now, nothing is changed and Stale is raised.
    Conflict where the provider cannot, refuses, or has no such number.
    """
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    url = _wanted(scope, provider, row)
    http = http.within(gateway.OBSERVE.seconds)
    before = observe(scope, http, endpoint_id)
    if before.line is None:
        raise Conflict(before.message, code=str(before.reason or "").upper())
    if seen is not None and seen != probe.digest(before.line):
        raise Stale(f"{provider.label} has something else for this number than what was shown. Look again.")
    if before.in_sync:
        return before
    return _set(scope, http, row, before.line, url)


def _wanted(scope: Scope, provider: Provider, row: Endpoint) -> str:
    if not probe.can(provider, Capability.POINT):
        message = f"{provider.label} has no way to set this from here. Follow the steps on the number's page."
        raise Conflict(message, code="CANNOT_POINT")
    url = verdicts.expected_url(scope.organization.public_base_url, row)
    if url is None:
        reason = readiness.load(scope).blocked_reason(row)
        message = (
            "There is no webhook URL to set: the number is inactive, or has no inbound agent or base URL."
        )
        raise Conflict(message, code=str(reason or "endpoint_inactive").upper())
    return url


def _set(scope: Scope, http: Outbound, row: Endpoint, line: ProviderNumber, url: str) -> Observation:
    state = store.load(scope, store.provider_of(row.provider))
    pointing: Any = state.provider
    before = verdicts.address(line)
    changes = {"webhook": [before, url]} | _taken_away(line)
    number = row.phone_number
    intent = Intent(scope, http, Action.NUMBER_POINTED, state.provider, subject=number, changes=changes)
    done = verdicts.run_probe(
        lambda: gateway.call(
            scope, intent.http, state, lambda client, values: pointing.point(client, values, line, url)
        )
    )
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


def _taken_away(line: ProviderNumber) -> dict[str, list[Any]]:
    return {str(line.override): [line.override_name, None]} if line.override else {}
