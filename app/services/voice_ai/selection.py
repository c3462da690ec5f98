"""Selects the voice AI provider that answers numbers, reports calls, or carries numbers to agents."""

from __future__ import annotations

from typing import cast

from app.models import VoicePhoneNumber
from app.provider import Capability, Family, HasAgents, Provider, ReportsCalls, SipTrunk
from app.providers import PROVIDERS, in_family
from app.services.connections import store
from app.services.providers import active
from app.services.scope import Scope


def having(capability: Capability) -> tuple[Provider, ...]:
    """Returns the voice AI providers with the capability, in the order of pages."""
    return tuple(one for one in in_family(Family.VOICE_AI) if capability in one.capabilities)


def agent_provider(scope: Scope) -> Provider:
    """Returns the provider whose agents answer: the active one, or the first that is configured.

    If none is configured, it is the first that has agents.
    """
    choices = having(Capability.AGENTS)
    chosen = active.active(scope, Family.VOICE_AI)
    if chosen in [one.key for one in choices]:
        return PROVIDERS[chosen]
    states = store.load_all(scope, choices)
    return next((one for one in choices if states[one.key].is_configured), choices[0])


def of_number(scope: Scope, row: VoicePhoneNumber) -> Provider:
    """Returns the provider at which AI on the number is turned on, or would be."""
    provider = PROVIDERS.get(row.ai_provider or "")
    return provider if provider and Capability.AGENTS in provider.capabilities else agent_provider(scope)


def agents_of(provider: Provider) -> HasAgents:
    return cast(HasAgents, provider)


def trunk_of(provider: Provider) -> SipTrunk:
    return cast(SipTrunk, provider)


def reports_of(provider: Provider) -> ReportsCalls:
    return cast(ReportsCalls, provider)
