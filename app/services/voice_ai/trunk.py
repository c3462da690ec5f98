"""Where the SIP trunk of a number leads: an agent answers only if the trunk sends calls to its provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import Conflict
from app.models import VoicePhoneNumber
from app.provider import Provider
from app.provider.voice_ai import SipEndpoint
from app.providers import PROVIDERS
from app.services.connections import gateway, store
from app.services.connections.proof import Evidence
from app.services.scope import Scope
from app.services.voice_ai import messages, selection

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


def caution(scope: Scope, http: Outbound, row: VoicePhoneNumber) -> str:
    """Returns why calls may not reach the agent of a number with AI on; empty if they do."""
    trunk, agents = selection.trunks()[row.provider], selection.of_number(scope, row)
    number, carrier = row.phone_number, PROVIDERS[row.provider].label
    state, hosts = store.load(scope, trunk), _hosts(scope, agents)
    if not hosts:
        return ""
    if not state.is_usable:
        return messages.trunk_not_read(trunk.label)
    sip = selection.trunk_of(trunk)
    try:
        found = gateway.call(
            scope,
            http,
            state,
            lambda client, values: (sip.observe(client, values, number), sip.endpoints(client, values)),
            evidence=Evidence.AI_NUMBER,
        )
    except Conflict as error:
        return f"{messages.trunk_not_read(trunk.label)} {error.message}"
    line, endpoints = found
    if line is None or not sip.carries(line, state.credentials):
        return messages.off_the_trunk(number, carrier, trunk.label)
    return leads_to(endpoints, hosts, trunk.label, agents.label)


def _hosts(scope: Scope, agents: Provider) -> tuple[str, ...]:
    """The host names of the agents' provider, the usual one first."""
    return selection.agents_of(agents).sip_hosts(store.load(scope, agents).credentials)


def leads_to(endpoints: list[SipEndpoint], hosts: tuple[str, ...], trunk: str, agents: str) -> str:
    """Returns what is wrong with where the trunk sends calls first; empty if nothing is."""
    first = [one for one in endpoints if one.priority == min(other.priority for other in endpoints)]
    others = [one for one in first if one.host not in hosts]
    if not first:
        return messages.trunk_leads_nowhere(trunk, agents, hosts[0])
    if not others:
        return ""
    if all(one.is_address for one in others):
        return messages.trunk_leads_to_address(trunk, others[0].text, agents)
    named = next(one for one in others if not one.is_address)
    if len(others) < len(first):
        return messages.trunk_shares_calls(trunk, named.text, agents)
    return messages.trunk_leads_elsewhere(trunk, named.text, agents, hosts[0])
