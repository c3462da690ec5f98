"""What an organization still needs before its numbers are answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from app.models import Endpoint
from app.provider import Family
from app.providers import in_family
from app.services import connections, endpoints, providers
from app.services.scope import Scope


@dataclass(frozen=True)
class Step:
    """`page` names the place that does it; `provider` which one, where there are several."""

    key: str
    title: str
    text: str
    page: str
    done: bool = False
    optional: bool = False
    provider: str | None = None


def steps(scope: Scope) -> list[Step]:
    """In the order that they are best done."""
    return [
        _base_url(scope),
        _telephony(scope),
        _first_number(scope),
        _answered(scope),
        _voice(scope),
        _voice_ai(scope),
    ]


def _base_url(scope: Scope) -> Step:
    url = scope.organization.public_base_url
    text = url or "The https address of your agent runtime. Every webhook URL starts with it."
    return Step("base-url", "Public base URL", text, "settings", done=bool(url))


def _telephony(scope: Scope) -> Step:
    states = endpoints.telephony_states(scope)
    active = providers.active(scope, Family.TELEPHONY)
    ready = [state for state in states.values() if state.is_configured and state.enabled]
    if active in states and states[active].is_configured:
        label = states[active].provider.label
        return Step(
            "telephony",
            "Provider for agent calls",
            f"{label} is active.",
            "provider",
            True,
            provider=active,
        )
    if ready:
        text = f"{ready[0].provider.label} is connected. Make it active."
        return Step(
            "telephony",
            "Provider for agent calls",
            text,
            "provider",
            provider=ready[0].provider.key,
        )
    names = ", ".join(state.provider.label for state in states.values())
    text = f"Connect the account that owns your numbers: {names}."
    return Step("telephony", "Provider for agent calls", text, "provider", provider=next(iter(states)))


def _first_number(scope: Scope) -> Step:
    total = endpoints.count(scope, endpoints.Filter())
    text = f"{total} so far." if total else "Give a phone number to the agent that answers it."
    return Step("number", "First number", text, "endpoints" if total else "new-endpoint", done=total > 0)


def _answered(scope: Scope) -> Step:
    """A number is ready when everything on our side of the line is there."""
    states = endpoints.telephony_states(scope)
    usable = [key for key, state in states.items() if state.is_configured and state.enabled]
    query = select(func.count()).where(
        Endpoint.organization_id == scope.organization.id,
        Endpoint.is_active,
        Endpoint.inbound_agent_name.is_not(None),
        Endpoint.provider.in_(usable),
    )
    ready = (scope.session.scalar(query) or 0) if scope.organization.public_base_url else 0
    if ready:
        noun = "number is" if ready == 1 else "numbers are"
        text = f"{ready} {noun} ready. Paste the webhook URL of each at its provider."
        return Step("ready", "Ready to be answered", text, "endpoints", done=True)
    text = "A number is ready once its agent, its provider and the base URL are set."
    return Step("ready", "Ready to be answered", text, "endpoints")


def _voice(scope: Scope) -> Step:
    active = providers.active(scope, Family.VOICE)
    if active:
        label = connections.provider_of(active).label
        return Step(
            "voice",
            "Provider for the dialer",
            f"{label} is active.",
            "provider",
            True,
            True,
            active,
        )
    choices = in_family(Family.VOICE)
    names = " or ".join(provider.label for provider in choices)
    text = f"Only if people call from a dialer: connect {names}, and make it active."
    return Step("voice", "Provider for the dialer", text, "provider", False, True, choices[0].key)


def _voice_ai(scope: Scope) -> Step:
    active = providers.active(scope, Family.VOICE_AI)
    if active:
        label = connections.provider_of(active).label
        return Step("voice-ai", "Voice AI", f"{label} is chosen.", "voice-ai", True, True)
    return Step(
        "voice-ai",
        "Voice AI",
        "Only if ElevenLabs speaks for your agents.",
        "voice-ai",
        False,
        True,
    )
