"""The webhook of one endpoint's number: what the provider has, and setting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.errors import Conflict, Stale
from app.models import Endpoint
from app.provider import Capability, Outcome, Provider
from app.provider.numbers import OUT_OF_REACH, ProviderNumber, Reason
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import gateway, store
from app.services.connections.proof import Evidence
from app.services.connections.provider_writes import Intent
from app.services.drift import probe, verdicts
from app.services.drift.verdicts import Observation
from app.services.endpoints import crud, readiness
from app.services.scope import Scope
from app.services.webhooks import messages

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Plan:
    """What setting the webhook would replace. `seen` identifies what is there now; `point` expects it."""

    endpoint: Endpoint
    now: Observation
    can_point: bool
    seen: str


def observe(scope: Scope, http: Outbound, endpoint_id: str) -> Observation:
    """Reads the endpoint's number from the provider, and saves the result. Raises NotFound, TooMany."""
    row = crud.get(scope, endpoint_id)
    state = store.load(scope, store.provider_of(row.provider))
    expected = verdicts.expected_url(scope.organization.public_base_url, row)
    return probe.observe(scope, http, state, row.phone_number, expected, quota=gateway.OBSERVE)


def plan(scope: Scope, http: Outbound, endpoint_id: str) -> Plan:
    """What is there now, which setting the webhook would replace. Raises as `observe`."""
    now = observe(scope, http, endpoint_id)
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    can_point = probe.can(provider, Capability.POINT) and now.number is not None and now.is_mendable
    return Plan(row, now, can_point, probe.digest(now.number))


def point(scope: Scope, http: Outbound, endpoint_id: str, *, seen: str | None = None) -> Observation:
    """Sets the number's webhook, and returns what the provider has afterwards.

    Raises Stale, and changes nothing, if the provider no longer has what the plan's `seen` identifies;
    Conflict if the provider cannot set it, refuses, or does not have the number.
    """
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    url = _wanted(scope, provider, row)
    http = http.within(gateway.OBSERVE.seconds)
    before = observe(scope, http, endpoint_id)
    if before.number is None or before.reason in OUT_OF_REACH:
        raise _unread(before)
    if seen is not None and seen != probe.digest(before.number):
        raise Stale(messages.changed(provider.label))
    if before.in_sync:
        return before
    return _set(scope, http, row, before.number, url)


def _unread(found: Observation) -> Conflict:
    """The error if the provider did not return the number, or not as one that can be changed."""
    if found.reason is Reason.BUSY:
        return gateway.failed(Outcome.BUSY, found.message)
    return Conflict(found.message, code=str(found.reason or "").upper())


def _wanted(scope: Scope, provider: Provider, row: Endpoint) -> str:
    if not probe.can(provider, Capability.POINT):
        raise Conflict(messages.cannot_set(provider.label), code="CANNOT_POINT")
    url = verdicts.expected_url(scope.organization.public_base_url, row)
    if url is None:
        reason = readiness.load(scope).blocked_reason(row)
        raise Conflict(messages.NOTHING_TO_SET, code=str(reason or "endpoint_inactive").upper())
    return url


def _set(scope: Scope, http: Outbound, row: Endpoint, line: ProviderNumber, url: str) -> Observation:
    state = store.load(scope, store.provider_of(row.provider))
    pointing: Any = state.provider
    before = verdicts.address(line)
    changes = {"webhook": [before, url]} | _removed(line)
    number = row.phone_number
    intent = Intent(scope, http, Action.NUMBER_POINTED, state.provider, subject=number, changes=changes)
    done = verdicts.run_probe(
        lambda: gateway.call(
            scope,
            intent.http,
            state,
            lambda client, values: pointing.point(client, values, line, url),
            evidence=Evidence.POINT,
        )
    )
    after = probe.observe(scope, http, state, number, url)
    if after.in_sync is True or not done.trouble:
        with scope.transaction():
            changed = {"webhook": [before, after.actual]} | _removed(line)
            log.record(scope, Action.NUMBER_POINTED, number, changed)
            intent.done()
        return after
    if after.in_sync is None:
        intent.is_unknown(done.sentence)
    else:
        intent.failed(done.sentence)
    raise gateway.failed(done.outcome, f"{done.sentence} {messages.NOT_SET}")


def _removed(line: ProviderNumber) -> dict[str, list[Any]]:
    """The override that is removed with it, for the audit log."""
    return {str(line.override): [line.override_name, None]} if line.override else {}
