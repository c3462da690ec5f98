"""What an organization still needs before its numbers are answered, and what keeps them from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app import providers
from app.core import phone, texts
from app.models import Check, DriftCheck, Endpoint
from app.provider import Capability, Family, Outcome
from app.provider.numbers import Reason
from app.providers import in_family, keys_in
from app.services.connections import store, verification
from app.services.connections.store import StoredConnection
from app.services.drift import tallies
from app.services.endpoints import listing
from app.services.endpoints.readiness import Readiness
from app.services.providers import active as providers_active
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.voice_ai import selection, webhook
from app.services.voice_ai.webhook import State as WebhookState


@dataclass(frozen=True)
class Step:
    """Something to set up, and the place to do it; `provider` says which one when there are several.

    `state` is ok, idle (to do), warn (done as far as can be seen) or bad (a problem); `since` when it
    became one, or was last seen to be done. `endpoint_id` is the number that `AT_PROVIDER` is about.
    `is_open`: it warns, and is not done.
    """

    key: str
    title: str
    text: str
    place: Place
    state: str = "idle"
    optional: bool = False
    provider: str | None = None
    since: datetime | None = None
    endpoint_id: str | None = None
    is_open: bool = False

    @property
    def done(self) -> bool:
        return self.state in ("ok", "warn") and not self.is_open


def steps(scope: Scope) -> list[Step]:
    """In the order that they are best done; the same few queries however many numbers there are."""
    states = store.load_all(scope)
    live = _live(scope, states)
    first = _first(scope)
    found = [
        _base_url(scope),
        _telephony(scope, states, live),
        _tested(scope, states, live),
        _first_number(scope, first),
        _ready(scope, states),
        _answered(scope, first),
        _voice(scope),
        _voice_ai(scope),
    ]
    return found + _webhook(scope, states)


def _live(scope: Scope, states: Mapping[str, StoredConnection]) -> StoredConnection | None:
    """The active provider of agent calls, where it can be used."""
    state = states.get(providers_active.active(scope, Family.TELEPHONY) or "")
    return state if state and state.is_usable else None


def _base_url(scope: Scope) -> Step:
    url = scope.organization.public_base_url
    text = url or "The https address of your agent runtime. Every webhook URL starts with it."
    return Step("base-url", "Public base URL", text, Place.SETTINGS, "ok" if url else "idle")


def _telephony(scope: Scope, states: Mapping[str, StoredConnection], live: StoredConnection | None) -> Step:
    title = "Provider for agent calls"
    own = [states[key] for key in keys_in(Family.TELEPHONY)]
    if live:
        text = f"{live.provider.label} is active."
        return Step("telephony", title, text, Place.PROVIDER, "ok", provider=live.provider.key)
    broken = states.get(providers_active.active(scope, Family.TELEPHONY) or "")
    if broken:
        names = ", ".join(field.label for field in broken.missing)
        text = f"{broken.provider.label} is active and cannot be used. It needs {names}."
        title = "Provider for agent calls not usable"
        return Step("telephony", title, text, Place.PROVIDER, "bad", provider=broken.provider.key)
    ready = [state.provider for state in own if state.is_usable]
    if ready:
        text = f"{ready[0].label} is connected. Make it active."
        return Step("telephony", title, text, Place.PROVIDER, provider=ready[0].key)
    names = ", ".join(state.provider.label for state in own)
    text = f"Connect the account that owns your numbers: {names}."
    return Step("telephony", title, text, Place.PROVIDER, provider=own[0].provider.key)


def _tested(scope: Scope, states: Mapping[str, StoredConnection], live: StoredConnection | None) -> Step:
    """Of the active provider, else of one that is connected; a step that can wait for the one before."""
    title = "Connection tested"
    state = live or next(
        (states[key] for key in keys_in(Family.TELEPHONY) if states[key].is_configured), None
    )
    if state is None:
        first = keys_in(Family.TELEPHONY)[0]
        text = "Once a provider is connected, a test shows whether its credentials work."
        return Step("tested", title, text, Place.PROVIDER, provider=first)
    label, key = state.provider.label, state.provider.key
    check: Check | None = verification.last(scope, state)
    if check is None:
        text = f"The values of {label} were not tested since they were saved."
        return Step("tested", title, text, Place.PROVIDER, provider=key)
    if not check.ok:
        title = "Connection does not work"
        return Step(
            "tested", title, check.reason, Place.PROVIDER, "bad", provider=key, since=check.checked_at
        )
    is_partly = check.code == Outcome.NOT_PROVEN
    text = check.reason if is_partly else f"{label} accepts the credentials."
    tone = "warn" if is_partly else "ok"
    return Step("tested", title, text, Place.PROVIDER, tone, provider=key, since=check.checked_at)


def _first(scope: Scope) -> Endpoint | None:
    """The number that the newcomer looks at: the first that is to be answered, else the first."""
    query = scope.select(Endpoint).order_by(Endpoint.phone_number).limit(1)
    answered = query.where(Endpoint.takes_calls)
    return scope.session.scalar(answered) or scope.session.scalar(query)


def _first_number(scope: Scope, first: Endpoint | None) -> Step:
    title = "First number"
    if first is None:
        return Step("number", title, "Give a phone number to the agent that answers it.", Place.NEW_ENDPOINT)
    total = listing.count(scope, listing.Filter())
    more = "+" if total > listing.COUNT_MOST else ""
    text = f"{min(total, listing.COUNT_MOST):,}{more} so far."
    return Step("number", title, text, Place.ENDPOINTS, "ok")


def counts(scope: Scope, states: Mapping[str, StoredConnection]) -> tuple[int, dict[str, int]]:
    """How many endpoints are ready, and how many each provider that cannot be used blocks."""
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
    """A number is ready when everything on our side of the line is there."""
    title = "Ready to be answered"
    count, blocked = counts(scope, states)
    if blocked:
        return _blocked(title, count, blocked, states)
    if count:
        text = f"{count:,} {'number has' if count == 1 else 'numbers have'} an agent, a provider and a URL."
        return Step("ready", title, text, Place.ENDPOINTS, "ok")
    text = "A number is ready once its agent, its provider and the base URL are set."
    return Step("ready", title, text, Place.ENDPOINTS)


def _blocked(
    title: str, ready: int, blocked: Mapping[str, int], states: Mapping[str, StoredConnection]
) -> Step:
    """Still to do while nothing was ready yet; else something was lost."""
    count = sum(blocked.values())
    why = ", and ".join(_why(states.get(key), key) for key in sorted(blocked))
    text = f"{count:,} {'number is' if count == 1 else 'numbers are'} not ready: {why}."
    if ready:
        told = f"{ready:,} {'number is' if ready == 1 else 'numbers are'} ready."
        text = f"{told} {count:,} {'is' if count == 1 else 'are'} not: {why}."
    is_lost = ready > 0 or any(key in states and states[key].exists for key in blocked)
    return Step("ready", title, text, Place.BLOCKED, "warn" if is_lost else "idle", is_open=True)


def _why(state: StoredConnection | None, key: str) -> str:
    if state is None:
        return f"there is no provider {key}"
    lack = "not complete" if state.exists else "not connected"
    return f"{state.provider.label} is {'disabled' if state.is_configured else lack}"


def _answered(scope: Scope, first: Endpoint | None) -> Step:
    """Whether the providers call what they should: drift is a problem, and no proof is no answer."""
    title = "Numbers answered"
    tally = tallies.tally(scope)
    if tally.drifted:
        noun = "number" if tally.drifted == 1 else "numbers"
        title = f"{tally.drifted:,} {noun} not answered"
        text = "The provider does not call the webhook URL."
        return Step("answered", title, text, *_drifted_place(scope), since=tally.since)
    seen = _proof(scope)
    if seen is None:
        text = "Point the number at its webhook URL, at its provider. Patchbay asks whether it is."
        if first is None:
            return Step("answered", title, text, Place.NEW_ENDPOINT)
        return Step("answered", title, text, Place.AT_PROVIDER, endpoint_id=first.id)
    check, row = seen
    number, label = phone.display(row.phone_number), providers.label(row.provider)
    who = f"{number} is answered by {texts.bidi_isolate(row.inbound_agent_name or '')}"
    if check.in_sync:
        text, tone = f"{who}, and {label} agrees.", "ok"
    else:
        text, tone = f"{who}, as far as can be seen: {label} does not tell what a number calls.", "warn"
    return Step("answered", title, text, Place.AT_PROVIDER, tone, since=check.checked_at, endpoint_id=row.id)


def _drifted_place(scope: Scope) -> tuple[Place, str, bool, str | None]:
    """Place, state, whether it is optional, and provider: people's numbers have a page of their own."""
    keys = tallies.drifted_providers(scope)
    theirs = sorted(keys - set(keys_in(Family.TELEPHONY)))
    if keys <= set(theirs):
        return Place.CALLBACK, "bad", False, theirs[0]
    return Place.DRIFTED, "bad", False, None


def _proof(scope: Scope) -> tuple[DriftCheck, Endpoint] | None:
    """A number whose provider agrees; else one whose provider does not tell; None where none was seen."""
    query = (
        select(DriftCheck, Endpoint)
        .join(
            Endpoint,
            (Endpoint.organization_id == DriftCheck.organization_id)
            & (Endpoint.provider == DriftCheck.provider)
            & (Endpoint.phone_number == DriftCheck.phone_number),
        )
        .where(
            DriftCheck.organization_id == scope.organization.id,
            Endpoint.takes_calls,
        )
        .order_by(DriftCheck.phone_number)
        .limit(1)
    )
    for in_sync, reason in ((True, None), (None, Reason.NOT_SHOWN)):
        seen = query.where(DriftCheck.in_sync.is_(in_sync), DriftCheck.reason.is_not_distinct_from(reason))
        if row := scope.session.execute(seen).first():
            return row[0], row[1]
    return None


def _voice(scope: Scope) -> Step:
    title = "Provider for the dialer"
    active = providers_active.active(scope, Family.VOICE)
    if active:
        return Step(
            "voice", title, f"{providers.label(active)} is active.", Place.PROVIDER, "ok", True, active
        )
    choices = in_family(Family.VOICE)
    names = " or ".join(provider.label for provider in choices)
    text = f"Only if people call from a dialer: connect {names}, and make it active."
    return Step("voice", title, text, Place.PROVIDER, optional=True, provider=choices[0].key)


def _voice_ai(scope: Scope) -> Step:
    active = providers_active.active(scope, Family.VOICE_AI)
    if active:
        return Step(
            "voice-ai", "Voice AI", f"{providers.label(active)} is chosen.", Place.VOICE_AI, "ok", True
        )
    names = " or ".join(provider.label for provider in selection.having(Capability.AGENTS))
    text = f"Optional: for {names} voice agents."
    return Step("voice-ai", "Voice AI", text, Place.VOICE_AI, optional=True)


def _webhook(scope: Scope, states: Mapping[str, StoredConnection]) -> list[Step]:
    """The webhook for call reports: the first that does not work, or else the first of all."""
    found = [
        (one, webhook.status(scope, one)) for one in webhook.providers() if states[one.key].is_configured
    ]
    if not found:
        return []
    provider, status = next((pair for pair in found if pair[1].state is not WebhookState.ACTIVE), found[0])
    title = "Call webhook"
    if status.state is WebhookState.ACTIVE:
        text = f"{provider.label} reports each call after it ends."
        return [Step("webhook", title, text, Place.CALL_WEBHOOK, "ok", True, since=status.since)]
    tone = "idle" if status.state is WebhookState.WAITING else "bad"
    title = title if tone == "idle" else "Call webhook does not work"
    text = status.reason or f"{provider.label} does not report calls yet."
    return [Step("webhook", title, text, Place.CALL_WEBHOOK, tone, True, since=status.since)]
