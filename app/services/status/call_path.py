"""How calls to and from a number are routed: hop by hop, with the first problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.models import DriftCheck, Endpoint, User, VoicePhoneNumber
from app.provider import Capability, Family, Provider
from app.providers import PROVIDERS, is_trunk, trunks
from app.services.connections import gateway, store
from app.services.connections.store import StoredConnection
from app.services.drift import probe, tallies
from app.services.drift.verdicts import Observation
from app.services.endpoints import proven, readiness
from app.services.numbers import claims
from app.services.providers import active
from app.services.scope import Scope
from app.services.status import hops
from app.services.status.hops import Hop, HopState
from app.services.status.places import Tone
from app.services.webhooks import endpoint as webhooks_endpoint

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Path:
    """The hops of calls in one direction, from the number to its provider.

    `blocked_reason` is the API's.
    """

    direction: str
    agent: str | None
    hops: list[Hop]
    blocked_reason: str | None

    @property
    def ready(self) -> bool:
        return self.blocked_reason is None

    @property
    def is_outbound_only(self) -> bool:
        """Whether this is the inbound path of a number that has only an outbound agent."""
        return self.blocked_reason == "no_inbound_agent" and self.hop("agent").state is HopState.OUTBOUND_ONLY

    @property
    def problem(self) -> Hop | None:
        """The hop that blocks the path, or else the first broken one, or else one with a warning."""
        blocking = BLOCKED_AT.get(self.blocked_reason or "")
        wrong = [hop for hop in self.hops if hop.problem]
        ranks = {Tone.BAD: 1, Tone.WARN: 2}
        wrong.sort(key=lambda hop: 0 if hop.key == blocking else ranks.get(hop.tone, 3))
        return wrong[0] if wrong else None

    def hop(self, key: str) -> Hop:
        return next(hop for hop in self.hops if hop.key == key)


BLOCKED_AT = {
    "endpoint_inactive": "endpoint",
    "no_inbound_agent": "agent",
    "no_outbound_agent": "agent",
    "no_public_base_url": "url",
    "provider_unknown": "provider",
    "provider_not_configured": "provider",
    "provider_disabled": "provider",
}


@dataclass(frozen=True)
class Dialer:
    """A user with the number in their dialer.

    `check` is the result for the application or the SIP trunk.
    """

    number: VoicePhoneNumber
    user: User
    is_live: bool
    check: DriftCheck | None


@dataclass(frozen=True)
class NumberStatus:
    """Everything stored about a number.

    `is_elsewhere`: another organization has added it. For `is_proven`, see `endpoints.proven`.
    """

    number: str
    endpoint: Endpoint | None
    paths: dict[str, Path] = field(default_factory=dict)
    dialers: list[Dialer] = field(default_factory=list)
    is_elsewhere: bool = False
    is_proven: bool = False

    @property
    def is_known(self) -> bool:
        return self.endpoint is not None or bool(self.dialers)


@dataclass(frozen=True)
class Owners:
    """The providers whose account has a number, and those that did not respond with a result."""

    providers: list[Provider]
    silent: list[Provider]


def find(scope: Scope, text: str, *, http: Outbound | None = None) -> NumberStatus:
    """Returns the number's paths as stored. With `http`, its webhook is first read at the provider.

    Raises Invalid for `phone_number`, TooMany.
    """
    number = readiness.read_number(scope, text)
    row = readiness.by_number(scope, number)
    observed = webhooks_endpoint.observe(scope, http, row.id) if http and row else None
    row = readiness.by_number(scope, number)
    checks = tallies.of_numbers(scope, [number])
    claim = claims.claims(scope, [number]).get(number)
    return NumberStatus(
        number,
        row,
        _paths(scope, row, checks.get((row.provider, number)), observed) if row else {},
        _dialers(scope, number, checks),
        claim is not None and claim.in_other_organization,
        row is not None and proven.of_endpoint(scope, row),
    )


def of_endpoint(scope: Scope, row: Endpoint, check: DriftCheck | None) -> Path:
    """Returns the stored inbound path of an endpoint; the outbound path if only that has an agent."""
    paths = _paths(scope, row, check, None)
    return paths["outbound" if row.outbound_agent_name and not row.inbound_agent_name else "inbound"]


def owners(scope: Scope, http: Outbound, number: str) -> Owners:
    """Looks up the number in every connected account whose numbers can be imported. Raises TooMany."""
    owning, silent = [], []
    required = {Capability.OBSERVE, Capability.NUMBERS}
    usable = [state for state in store.load_all(scope).values() if _can_look_up(state, required)]
    shared = http.within(gateway.OBSERVE.seconds)
    for state in usable:
        result = probe.read_number(scope, shared, state, number, quota=gateway.OBSERVE)
        if result.trouble:
            silent.append(state.provider)
        elif result.number:
            owning.append(state.provider)
    return Owners(owning, silent)


def _can_look_up(state: StoredConnection, capabilities: set[Capability]) -> bool:
    return state.is_usable and capabilities <= state.provider.capabilities


def _paths(
    scope: Scope, row: Endpoint, check: DriftCheck | None, observed: Observation | None
) -> dict[str, Path]:
    rule = readiness.load(scope)
    shared = [hops.number(row), hops.endpoint(row), hops.provider(scope, rule.connections, row)]
    paths = {}
    for direction in ("inbound", "outbound"):
        agent = getattr(row, f"{direction}_agent_name")
        path = [*shared, hops.agent(row, direction), hops.url(scope, row, direction)]
        if direction == "inbound":
            path += [
                hops.at_provider(scope, row, check, observed),
                hops.webhook_test(scope, row),
                hops.last_call(scope, row, check),
            ]
        paths[direction] = Path(direction, agent, path, rule.blocked_reason(row, direction))
    return paths


def _carrier(row: VoicePhoneNumber) -> str:
    """Returns the key of the provider or SIP trunk that carries calls to the number."""
    return trunks()[row.provider].key if row.ai_enabled and row.provider in trunks() else row.provider


def _dialers(scope: Scope, number: str, checks: Mapping[tuple[str, str], DriftCheck]) -> list[Dialer]:
    query = (
        select(VoicePhoneNumber, User)
        .join(User, User.id == VoicePhoneNumber.user_id)
        .where(
            VoicePhoneNumber.organization_id == scope.organization.id,
            VoicePhoneNumber.phone_number == number,
        )
        .order_by(VoicePhoneNumber.provider, User.name, User.id)
    )
    live = active.active(scope, Family.VOICE)
    watched = {key: check for (key, _), check in checks.items() if _has_callback(key) or is_trunk(key)}
    return [
        Dialer(row, user, row.provider == live, watched.get(_carrier(row)))
        for row, user in scope.session.execute(query)
    ]


def _has_callback(key: str) -> bool:
    return key in PROVIDERS and Capability.CALLBACK in PROVIDERS[key].capabilities
