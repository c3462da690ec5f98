"""Who answers a number, or dials from it: the whole path hop by hop, and the first thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from app import providers
from app.core import urls
from app.models import Check, DriftCheck, Endpoint, User, VoicePhoneNumber
from app.provider import Capability, Family, Outcome, Provider
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.services.connections import store, verification
from app.services.connections.store import StoredConnection
from app.services.drift import probe, tallies, verdicts
from app.services.drift.verdicts import Observation
from app.services.endpoints import readiness
from app.services.numbers import claims
from app.services.providers import active
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.webhooks import endpoint as webhooks_endpoint

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


class Tone(StrEnum):
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True)
class Hop:
    """One station of a call. `problem` says what is wrong with it; `place` is where it is mended.

    `word` is its state in a word or two, `at` when that was seen. `is_code`: its text is a number or URL.
    """

    key: str
    title: str
    text: str
    tone: Tone
    word: str
    problem: str = ""
    place: Place | None = None
    note: str = ""
    at: datetime | None = None
    is_code: bool = False


@dataclass(frozen=True)
class Path:
    """From the number to what its provider has. `blocked_reason` is the API's."""

    direction: str
    agent: str | None
    hops: list[Hop]
    blocked_reason: str | None

    @property
    def ready(self) -> bool:
        return self.blocked_reason is None

    @property
    def only_calls_out(self) -> bool:
        """Whether it is a path in, of a number that has an agent for calls out alone."""
        return self.blocked_reason == "no_inbound_agent" and self.hop("agent").tone is Tone.IDLE

    @property
    def problem(self) -> Hop | None:
        """What blocks it; else the first hop that is broken; else the first that is not certain."""
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
    """A person who has the number in their dialer; `check` is what their provider's application calls."""

    number: VoicePhoneNumber
    user: User
    is_live: bool
    check: DriftCheck | None


@dataclass(frozen=True)
class Answer:
    """What is known of a number. `is_elsewhere`: another organization has it here."""

    number: str
    endpoint: Endpoint | None
    paths: dict[str, Path] = field(default_factory=dict)
    dialers: list[Dialer] = field(default_factory=list)
    is_elsewhere: bool = False

    @property
    def is_known(self) -> bool:
        return self.endpoint is not None or bool(self.dialers)


@dataclass(frozen=True)
class Owners:
    """The providers whose account has a number, and those that could not tell."""

    providers: list[Provider]
    silent: list[Provider]


def find(scope: Scope, text: str, *, http: Outbound | None = None) -> Answer:
    """The number's path, from what is stored; with `http` its provider is asked about it first.

    No transaction is open meanwhile. Raises Invalid for `phone_number`, TooMany.
    """
    number = readiness.read_number(scope, text)
    row = readiness.by_number(scope, number)
    observed = webhooks_endpoint.observe(scope, http, row.id) if http and row else None
    row = readiness.by_number(scope, number)
    checks = tallies.of_numbers(scope, [number])
    claim = claims.claims(scope, [number]).get(number)
    return Answer(
        number,
        row,
        _paths(scope, row, checks.get((row.provider, number)), observed) if row else {},
        _dialers(scope, number, checks),
        claim is not None and claim.is_elsewhere,
    )


def owners(scope: Scope, http: Outbound, number: str) -> Owners:
    """Asks every connected provider whose numbers can be imported. Raises TooMany."""
    found, silent = [], []
    wanted = {Capability.OBSERVE, Capability.NUMBERS}
    able = [state for state in store.load_all(scope).values() if _is_askable(state, wanted)]
    shared = http.within(probe.SECONDS)
    for state in able:
        probe.count_look(scope, state.provider)
        scope.end_read()
        sight = probe.look(state.provider, shared, state.credentials, number)
        if sight.trouble:
            silent.append(state.provider)
        elif sight.line:
            found.append(state.provider)
    return Owners(found, silent)


def _is_askable(state: StoredConnection, wanted: set[Capability]) -> bool:
    return state.is_usable and wanted <= state.provider.capabilities


def _paths(
    scope: Scope, row: Endpoint, check: DriftCheck | None, observed: Observation | None
) -> dict[str, Path]:
    rule = readiness.load(scope)
    shared = [_number(row), _endpoint(row), _provider(scope, rule.connections, row)]
    found = {}
    for direction in ("inbound", "outbound"):
        agent = getattr(row, f"{direction}_agent_name")
        hops = [*shared, _agent(row, direction), _url(scope, row, direction)]
        if direction == "inbound":
            hops.append(_at_provider(scope, row, check, observed))
        found[direction] = Path(direction, agent, hops, rule.blocked_reason(row, direction))
    return found


def _number(row: Endpoint) -> Hop:
    return Hop("number", "Number", row.phone_number, Tone.OK, "Known", is_code=True)


def _endpoint(row: Endpoint) -> Hop:
    text = row.label or "No label"
    if row.is_active:
        return Hop("endpoint", "Endpoint", text, Tone.OK, "Active", place=Place.ENDPOINT)
    problem = "The endpoint is switched off."
    return Hop("endpoint", "Endpoint", text, Tone.IDLE, "Inactive", problem, Place.EDIT_ENDPOINT)


def _provider(scope: Scope, states: Mapping[str, StoredConnection], row: Endpoint) -> Hop:
    state = states.get(row.provider)
    if state is None:
        problem = f"There is no provider {row.provider} for numbers. Delete the endpoint and add it again."
        return Hop("provider", "Provider", row.provider, Tone.BAD, "Unknown", problem, Place.ENDPOINT)
    label = state.provider.label
    is_active = active.active(scope, Family.TELEPHONY) == row.provider
    note = "active for agent calls" if is_active else "not the active one; numbers keep their own provider"
    tone, word, problem, at = _connection(state, verification.last(scope, state))
    return Hop("provider", "Provider", label, tone, word, problem, Place.PROVIDER, note, at)


def _connection(state: StoredConnection, check: Check | None) -> tuple[Tone, str, str, datetime | None]:
    """Tone, word, what is wrong, and when it was last tested."""
    label = state.provider.label
    if state.missing:
        names = ", ".join(declared.label for declared in state.missing)
        return Tone.WARN, "Not connected", f"{label} is not connected. It needs {names}.", None
    if not state.enabled:
        return Tone.WARN, "Disabled", f"{label} is disabled.", None
    if check is None:
        problem = f"The connection to {label} was not tested since it was saved."
        return Tone.IDLE, "Stored, not tested", problem, None
    if not check.ok:
        return Tone.BAD, "Does not work", check.reason, check.checked_at
    if check.code == Outcome.NOT_PROVEN:
        return Tone.WARN, "Partly tested", "", check.checked_at
    return Tone.OK, "Works", "", check.checked_at


def _agent(row: Endpoint, direction: str) -> Hop:
    """That nobody answers a number which only calls out is meant."""
    title = "Answered by" if direction == "inbound" else "Dials as"
    agent = getattr(row, f"{direction}_agent_name")
    if agent:
        return Hop("agent", title, agent, Tone.OK, "Set", place=Place.EDIT_ENDPOINT)
    if row.outbound_agent_name:
        return Hop("agent", title, "Nobody", Tone.IDLE, "Only calls out", place=Place.EDIT_ENDPOINT)
    problem = (
        "No agent answers this number." if direction == "inbound" else "No agent dials from this number."
    )
    return Hop("agent", title, "Nobody", Tone.IDLE, "No agent", problem, Place.EDIT_ENDPOINT)


def _url(scope: Scope, row: Endpoint, direction: str) -> Hop:
    base = scope.organization.public_base_url
    title = "Webhook URL" if direction == "inbound" else "Agent runtime"
    if not base:
        problem = "There is no public base URL, so nobody can reach the agent."
        return Hop("url", title, "None", Tone.WARN, "No base URL", problem, Place.SETTINGS)
    url = urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name)
    if direction == "outbound":
        return Hop("url", title, base, Tone.OK, "Set", place=Place.SETTINGS, is_code=True)
    if url is None:
        return Hop("url", title, "None", Tone.IDLE, "No agent")
    return Hop("url", title, url, Tone.OK, "Set", place=Place.SETTINGS, is_code=True)


def _at_provider(scope: Scope, row: Endpoint, check: DriftCheck | None, observed: Observation | None) -> Hop:
    """What the provider calls: as it was just seen, else as it was last seen."""
    label = providers.label(row.provider)
    title = f"At {label}"
    if verdicts.expected_url(scope.organization.public_base_url, row) is None:
        return Hop("at_provider", title, "Nothing to call", Tone.IDLE, "Nothing to compare")
    if observed and observed.reason is Reason.PROVIDER_UNREACHABLE:
        return Hop(
            "at_provider", title, "Unknown", Tone.WARN, "No answer", observed.message, Place.AT_PROVIDER
        )
    if check is None or (check.in_sync is None and check.reason is None):
        problem = f"{label} was not asked yet whether it calls this URL."
        return Hop("at_provider", title, "Unknown", Tone.IDLE, "Not checked", problem, Place.AT_PROVIDER)
    text, at = check.actual or "No address", check.checked_at
    if check.in_sync:
        return Hop("at_provider", title, text, Tone.OK, "In sync", "", Place.AT_PROVIDER, at=at, is_code=True)
    reason = Reason(check.reason or Reason.NOTHING_EXPECTED)
    problem = (
        observed.message if observed and observed.reason else verdicts.WORDS[reason].format(provider=label)
    )
    tone = Tone.BAD if check.in_sync is False else Tone.IDLE
    word = "Drifted" if tone is Tone.BAD else "Cannot be seen"
    if reason is Reason.PROVIDER_NOT_CONFIGURED:
        return Hop("at_provider", title, "Unknown", Tone.IDLE, "Not asked", at=at)
    return Hop("at_provider", title, text, tone, word, problem, Place.AT_PROVIDER, "", at, bool(check.actual))


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
    watched = {key: check for (key, _), check in checks.items() if _has_callback(key)}
    return [
        Dialer(row, user, row.provider == live, watched.get(row.provider))
        for row, user in scope.session.execute(query)
    ]


def _has_callback(key: str) -> bool:
    return key in PROVIDERS and Capability.CALLBACK in PROVIDERS[key].capabilities
