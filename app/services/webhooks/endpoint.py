"""The webhook of one endpoint's number: reading it at the provider, and setting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from app.core.errors import Conflict, Stale
from app.models import Endpoint
from app.provider import Capability, Points, Provider
from app.provider.numbers import ProviderNumber
from app.services.audit.actions import Action
from app.services.connections import gateway, proof, store
from app.services.drift import probe, tallies, verdicts
from app.services.drift.verdicts import Observation
from app.services.endpoints import crud, readiness
from app.services.endpoints.readiness import Readiness
from app.services.scope import Scope
from app.services.webhooks import changes, messages
from app.services.webhooks.changes import Step

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Plan:
    """The settings that setting the webhook would replace. `digest` is their digest, to pass to `point`."""

    endpoint: Endpoint
    now: Observation
    can_point: bool
    digest: str


def observe(scope: Scope, http: Outbound, endpoint_id: str) -> Observation:
    """Reads the endpoint's number at the provider, and saves the result. Raises NotFound, TooMany.

    The verdict on the number also depends on the connection.
    """
    return _with_verdict(scope, endpoint_id, _read(scope, http, endpoint_id))


def _with_verdict(scope: Scope, endpoint_id: str, observation: Observation) -> Observation:
    row = crud.get(scope, endpoint_id)
    check, last = tallies.of_number(scope, row), proof.last(scope, store.provider_of(row.provider))
    return verdicts.with_connection(observation, check, last)


def _read(scope: Scope, http: Outbound, endpoint_id: str) -> Observation:
    row = crud.get(scope, endpoint_id)
    state = store.load(scope, store.provider_of(row.provider))
    expected = verdicts.expected_url(scope.organization.public_base_url, row)
    return probe.observe(scope, http, state, row.phone_number, expected, quota=gateway.OBSERVE)


def plan(scope: Scope, http: Outbound, endpoint_id: str) -> Plan:
    """Reads the settings that setting the webhook would replace. Raises the errors of `observe`."""
    now = observe(scope, http, endpoint_id)
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    can_point = probe.can(provider, Capability.POINT) and now.number is not None and now.is_mendable
    return Plan(row, now, can_point, probe.digest(now.number))


def point(
    scope: Scope, http: Outbound, endpoint_id: str, *, expected_digest: str | None = None
) -> Observation:
    """Sets the number's webhook, and returns the number as read afterwards.

    Raises Stale, and changes nothing, if the plan's `digest` is no longer the number's digest; Conflict if
    the provider cannot set the webhook, refuses, or does not have the number.
    """
    row = crud.get(scope, endpoint_id)
    url = wanted_url(scope, row)
    http = http.within(gateway.OBSERVE.seconds)
    before = _read(scope, http, endpoint_id)
    number = changes.expect_within_reach(before)
    state = store.load(scope, store.provider_of(row.provider))
    if expected_digest is not None and expected_digest != probe.digest(number):
        raise Stale(messages.changed(state.provider.label))
    if not needs_setting(before):
        return _with_verdict(scope, endpoint_id, before)
    change = changes.send(scope, http, state, step(state.provider, number, url))
    after = probe.observe(scope, http, state, number.phone_number, url)
    if not changes.record_outcome(scope, change, after.in_sync, after.actual):
        raise gateway.failed(change.response.outcome, f"{change.response.sentence} {messages.NOT_SET}")
    return _with_verdict(scope, endpoint_id, after)


def wanted_url(scope: Scope, row: Any, readiness_now: Readiness | None = None) -> str:
    """Returns the URL that the number of an endpoint should call.

    Raises Conflict if there is none, or the provider cannot set it.
    """
    provider = store.provider_of(row.provider)
    if not probe.can(provider, Capability.POINT):
        raise Conflict(messages.cannot_set(provider.label), code="CANNOT_POINT")
    url = verdicts.expected_url(scope.organization.public_base_url, row)
    if url is None:
        reason = (readiness_now or readiness.load(scope)).blocked_reason(row)
        raise Conflict(messages.NOTHING_TO_SET, code=str(reason or "endpoint_inactive").upper())
    return url


def needs_setting(observation: Observation) -> bool:
    """Whether setting the webhook would remove a difference."""
    return observation.in_sync is not True and observation.is_mendable


def step(provider: Provider, number: ProviderNumber, url: str) -> Step:
    """Returns the step that makes the number call `url`."""
    pointing = cast(Points, provider)
    return Step(
        Action.NUMBER_POINTED,
        number,
        url,
        lambda client, values: pointing.point(client, values, number, url),
    )
