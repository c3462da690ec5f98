"""The steps from a new organization to its first answered call, and the problems that block them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app import providers
from app.core import phone
from app.models import Check, DriftCheck, Endpoint, Verdict
from app.provider import Capability, Family
from app.provider.numbers import Reason
from app.providers import in_family, is_trunk, keys_in
from app.services.connections import health, proof, store
from app.services.connections.health import Health
from app.services.connections.store import StoredConnection
from app.services.drift import tallies
from app.services.endpoints import listing
from app.services.endpoints.readiness import Readiness
from app.services.providers import active
from app.services.scope import Scope
from app.services.status import messages
from app.services.status.places import Place, Tone
from app.services.voice_ai import selection, webhook
from app.services.voice_ai.webhook import State as WebhookState


@dataclass(frozen=True)
class Step:
    """A step of the setup, and the place to do it. `provider` is that of the place, if it has one.

    `tone` is ok, idle (to do), warn (done, but not verified) or bad (a problem). `since`: since when there
    is a problem; for a finished step, when it was last verified. `endpoint_id` is that of the number for
    the place `AT_PROVIDER`. `is_open`: the step has the tone warn, but is not done.
    """

    key: str
    title: str
    text: str
    place: Place
    tone: Tone = Tone.IDLE
    optional: bool = False
    provider: str | None = None
    since: datetime | None = None
    endpoint_id: str | None = None
    is_open: bool = False

    @property
    def done(self) -> bool:
        return self.tone in (Tone.OK, Tone.WARN) and not self.is_open


def steps(scope: Scope) -> list[Step]:
    """Returns the steps in the order to do them."""
    states = store.load_all(scope)
    state = states.get(active.active(scope, Family.TELEPHONY) or "")
    live = state if state and state.is_usable else None
    first = _first_endpoint(scope)
    steps = [
        _base_url(scope),
        _telephony(states, state),
        _tested(scope, states, live),
        _first_number(scope, first),
        _ready(scope, states),
        _verified(scope, first),
        _voice(scope),
        _voice_ai(scope),
    ]
    return steps + _webhook(scope, states)


def _base_url(scope: Scope) -> Step:
    url = scope.organization.public_base_url
    text, tone = url or messages.BASE_URL_NEEDED, Tone.OK if url else Tone.IDLE
    return Step("base-url", "Public base URL", text, Place.SETTINGS, tone)


def _telephony(states: Mapping[str, StoredConnection], default: StoredConnection | None) -> Step:
    title = "Provider for agent calls"
    if default:
        key, label = default.provider.key, default.provider.label
        if default.is_usable:
            text = messages.default_provider(label)
            return Step("telephony", title, text, Place.PROVIDER, Tone.OK, provider=key)
        text = messages.incomplete_default(label, [field.label for field in default.missing])
        title = "Provider for agent calls is incomplete"
        return Step("telephony", title, text, Place.PROVIDER, Tone.BAD, provider=key)
    own = [states[key] for key in keys_in(Family.TELEPHONY)]
    usable = [state.provider for state in own if state.is_usable]
    if usable:
        text = messages.make_default(usable[0].label)
        return Step("telephony", title, text, Place.PROVIDER, provider=usable[0].key)
    text = messages.connect_one_of(state.provider.label for state in own)
    return Step("telephony", title, text, Place.PROVIDER, provider=own[0].provider.key)


def _tested(scope: Scope, states: Mapping[str, StoredConnection], live: StoredConnection | None) -> Step:
    """Returns the step of testing the default provider; without one, the first that is connected."""
    title, own = "Connection tested", [states[key] for key in keys_in(Family.TELEPHONY)]
    state = live or next((state for state in own if state.is_configured), None)
    if state is None:
        text = messages.TEST_NEEDED
        return Step("tested", title, text, Place.PROVIDER, provider=own[0].provider.key)
    label, key = state.provider.label, state.provider.key
    check: Check | None = proof.last(scope, state.provider)
    if check is None:
        return Step("tested", title, messages.untested(label), Place.PROVIDER, provider=key)
    result = health.of_test(check)
    text = messages.accepts_credentials(label) if result is Health.WORKS else check.reason
    title = result.label if result is Health.FAILED else title
    tone = Tone(result.tone)
    return Step("tested", title, text, Place.PROVIDER, tone, provider=key, since=check.checked_at)


def _first_endpoint(scope: Scope) -> Endpoint | None:
    """Returns the first endpoint that takes calls; if none does, the first of all."""
    query = scope.select(Endpoint).order_by(Endpoint.phone_number).limit(1)
    return scope.session.scalar(query.where(Endpoint.takes_calls)) or scope.session.scalar(query)


def _first_number(scope: Scope, first: Endpoint | None) -> Step:
    title = "First number"
    if first is None:
        return Step("number", title, messages.NUMBER_NEEDED, Place.NEW_ENDPOINT)
    text = messages.numbers_added(listing.count(scope, listing.Filter()), listing.COUNT_MOST)
    return Step("number", title, text, Place.ENDPOINTS, Tone.OK)


def counts(scope: Scope, states: Mapping[str, StoredConnection]) -> tuple[int, dict[str, int]]:
    """Returns how many endpoints are ready, and how many each unusable provider blocks."""
    base_url = scope.organization.public_base_url
    if not base_url:
        return 0, {}
    rule = Readiness(base_url, {key: states[key] for key in keys_in(Family.TELEPHONY)})
    own = scope.select(Endpoint)
    ready = own.with_only_columns(func.count()).where(rule.is_ready)
    blocked = own.with_only_columns(Endpoint.provider, func.count().label("numbers")).where(rule.is_blocked)
    rows = scope.session.execute(blocked.group_by(Endpoint.provider))
    return scope.session.scalar(ready) or 0, {row.provider: row.numbers for row in rows}


def _ready(scope: Scope, states: Mapping[str, StoredConnection]) -> Step:
    """Returns the step of completing the stored settings that numbers need for calls."""
    title = "Ready for calls"
    ready, blocked = counts(scope, states)
    if blocked:
        reasons = [_connection_problem(states.get(key), key) for key in sorted(blocked)]
        text = messages.numbers_blocked(ready, sum(blocked.values()), reasons)
        was_ready = ready > 0 or any(key in states and states[key].exists for key in blocked)
        tone = Tone.WARN if was_ready else Tone.IDLE
        return Step("ready", title, text, Place.BLOCKED, tone, is_open=True)
    if ready:
        return Step("ready", title, messages.numbers_ready(ready), Place.ENDPOINTS, Tone.OK)
    return Step("ready", title, messages.READY_NEEDED, Place.ENDPOINTS)


def _connection_problem(state: StoredConnection | None, key: str) -> str:
    if state is None:
        return messages.unknown_key(key)
    label = state.provider.label
    return messages.connection_lack(label, exists=state.exists, is_configured=state.is_configured)


def _verified(scope: Scope, first: Endpoint | None) -> Step:
    """Returns the step of verifying webhooks. Drift is a problem; without a result, the step is to do."""
    title = "Webhook verified"
    tally = tallies.tally(scope)
    if tally.drifted:
        place, provider = _drifted_place(scope)
        return Step(
            "answered",
            messages.numbers_drifted(tally.drifted),
            messages.WEBHOOK_MISMATCH,
            place,
            Tone.BAD,
            provider=provider,
            since=tally.since,
        )
    proof = _verified_number(scope)
    if proof is None:
        text = messages.WEBHOOK_NEEDED
        if first is None:
            return Step("answered", title, text, Place.NEW_ENDPOINT)
        return Step("answered", title, text, Place.AT_PROVIDER, endpoint_id=first.id)
    check, row = proof
    number, label = phone.display(row.phone_number), providers.label(row.provider)
    text = messages.routed(
        number, row.inbound_agent_name or "", label, is_verified=check.verdict == Verdict.HEALTHY
    )
    tone, at = Tone.OK if check.verdict == Verdict.HEALTHY else Tone.WARN, check.checked_at
    return Step("answered", title, text, Place.AT_PROVIDER, tone, since=at, endpoint_id=row.id)


def _drifted_place(scope: Scope) -> tuple[Place, str | None]:
    """Returns the place to repair drifted numbers, and its provider if it has one.

    Drifted endpoints come first. Numbers in dialers are repaired at their provider's callback; numbers that
    agents answer, on the page of AI numbers.
    """
    keys = tallies.drifted_providers(scope)
    others = sorted(keys - set(keys_in(Family.TELEPHONY)), key=is_trunk)
    if keys - set(others):
        return Place.DRIFTED, None
    return (Place.AI_NUMBERS if is_trunk(others[0]) else Place.CALLBACK), others[0]


def _verified_number(scope: Scope) -> tuple[DriftCheck, Endpoint] | None:
    """Returns a number in sync, or else one whose provider does not expose webhooks, or None."""
    query = (
        select(DriftCheck, Endpoint)
        .join(
            Endpoint,
            (Endpoint.organization_id == DriftCheck.organization_id)
            & (Endpoint.provider == DriftCheck.provider)
            & (Endpoint.phone_number == DriftCheck.phone_number),
        )
        .where(DriftCheck.organization_id == scope.organization.id, Endpoint.takes_calls)
        .order_by(DriftCheck.phone_number)
        .limit(1)
    )
    for verdict, cause in ((Verdict.HEALTHY, None), (Verdict.UNKNOWN, Reason.NOT_SHOWN)):
        matching = query.where(DriftCheck.verdict == verdict, DriftCheck.cause.is_not_distinct_from(cause))
        if row := scope.session.execute(matching).first():
            return row[0], row[1]
    return None


def _voice(scope: Scope) -> Step:
    title, key = "Provider for the dialer", active.active(scope, Family.VOICE)
    if key:
        text = messages.default_provider(providers.label(key))
        return Step("voice", title, text, Place.PROVIDER, Tone.OK, True, key)
    choices = in_family(Family.VOICE)
    text = messages.connect_dialer(provider.label for provider in choices)
    return Step("voice", title, text, Place.PROVIDER, optional=True, provider=choices[0].key)


def _voice_ai(scope: Scope) -> Step:
    key = active.active(scope, Family.VOICE_AI)
    if key:
        text = messages.default_provider(providers.label(key))
        return Step("voice-ai", "Voice AI", text, Place.VOICE_AI, Tone.OK, True)
    text = messages.for_voice_agents(provider.label for provider in selection.having(Capability.AGENTS))
    return Step("voice-ai", "Voice AI", text, Place.VOICE_AI, optional=True)


def _webhook(scope: Scope, states: Mapping[str, StoredConnection]) -> list[Step]:
    """Returns the step of the webhook for call reports: the first that does not work, or the first."""
    statuses = [
        (one, webhook.status(scope, one)) for one in webhook.providers() if states[one.key].is_configured
    ]
    if not statuses:
        return []
    provider, status = next(
        (pair for pair in statuses if pair[1].state is not WebhookState.ACTIVE), statuses[0]
    )
    title, text, tone = "Call webhook", messages.calls_reported(provider.label), Tone.OK
    if status.state is not WebhookState.ACTIVE:
        text = status.reason or messages.calls_not_reported(provider.label)
        tone = Tone.IDLE if status.state is WebhookState.WAITING else Tone.BAD
    title = "Call webhook failed" if tone is Tone.BAD else title
    return [Step("webhook", title, text, Place.CALL_WEBHOOK, tone, True, since=status.since)]
