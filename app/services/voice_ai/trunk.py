"""Checks of SIP trunks: an agent answers a number only if its trunk sends calls to the agent's provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from app.core.errors import Conflict
from app.models import DriftCheck, VoicePhoneNumber
from app.provider import Numbers, Provider, incomplete
from app.provider import numbers as provider_numbers
from app.provider.numbers import ProviderNumber, Reason
from app.provider.voice_ai import ImportedNumbers, SipEndpoint
from app.providers import PROVIDERS, trunks
from app.services.connections import gateway, proof, store
from app.services.connections.gateway import ProviderCallFailed
from app.services.connections.proof import Evidence
from app.services.drift import queue
from app.services.drift.hooks import Watched
from app.services.drift.queue import TrunkVerdict
from app.services.scope import Scope
from app.services.voice_ai import messages, selection

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


MOST_NAMED = 5
"""How many sentences the report of a check contains."""


def caution(scope: Scope, http: Outbound, row: VoicePhoneNumber) -> str:
    """Returns why calls may not reach the agent of a number with AI on; empty if they do."""
    trunk, agents = trunks()[row.provider], selection.of_number(scope, row)
    state, hosts = store.load(scope, trunk), _hosts(scope, agents)
    if not hosts:
        return ""
    if not state.is_usable:
        return messages.trunk_not_read(trunk.label)
    sip = selection.trunk_of(trunk)
    try:
        observed = gateway.call(
            scope,
            http,
            state,
            lambda client, values: (
                sip.observe(client, values, row.phone_number),
                sip.endpoints(client, values),
            ),
            evidence=Evidence.AI_NUMBER,
        )
        imports = _imports(scope, http, agents)
    except Conflict as error:
        return f"{messages.trunk_not_read(trunk.label)} {error.message}"
    verdict = _verdict(scope, row, *observed, imports)
    with scope.transaction():
        queue.save_judged(scope, trunk.key, {row.phone_number: verdict})
    return "" if verdict.in_sync else verdict.detail


def _imports(scope: Scope, http: Outbound, agents: Provider) -> ImportedNumbers | None:
    """Returns the numbers at the agents' provider; None if not connected or not permitted to list.

    Raises ProviderCallFailed for an outage or rate limit.
    """
    state = store.load(scope, agents)
    if not state.is_usable:
        return None
    calls = selection.agents_of(agents)
    try:
        return gateway.call(scope, http, state, calls.imported_numbers, evidence=Evidence.AI_NUMBER)
    except ProviderCallFailed as error:
        if error.result.code in proof.PASSING:
            raise
        return None


def _verdict(
    scope: Scope,
    row: VoicePhoneNumber,
    number: ProviderNumber | None,
    endpoints: list[SipEndpoint],
    imports: ImportedNumbers | None,
) -> TrunkVerdict:
    """Returns whether calls to the number reach its agent."""
    trunk, agents = trunks()[row.provider], selection.of_number(scope, row)
    state = store.load(scope, trunk)
    if number is None or not selection.trunk_of(trunk).carries(number, state.credentials):
        sentence = messages.off_the_trunk(row.phone_number, PROVIDERS[row.provider].label, trunk.label)
        return TrunkVerdict(False, Reason.OFF_THE_TRUNK, sentence)
    led = leads_to(endpoints, _hosts(scope, agents), trunk.label, agents.label)
    return (led.in_sync and _agent_problem(row, agents.label, imports)) or led


def _agent_problem(
    row: VoicePhoneNumber, agents: str, imports: ImportedNumbers | None
) -> TrunkVerdict | None:
    """Returns the verdict if the chosen agent may not answer; None if it does."""
    if imports is None:
        return TrunkVerdict(None, Reason.NOT_SHOWN, messages.agents_not_read(agents))
    entries = imports.get(row.phone_number, [])
    is_known = all(one.is_clear for one in entries) if entries else imports.is_whole
    if not is_known:
        return TrunkVerdict(None, Reason.NOT_SHOWN, messages.agents_not_read(agents))
    if not entries:
        return TrunkVerdict(False, Reason.OTHER_AGENT, messages.number_not_imported(agents))
    answering = {one.agent_id for one in entries} - {None}
    if answering == {row.ai_agent_id}:
        return None
    if row.ai_agent_id in answering:
        return TrunkVerdict(None, Reason.NOT_SHOWN, messages.several_agents(agents))
    return TrunkVerdict(False, Reason.OTHER_AGENT, messages.other_agent(agents, entries[0].agent_id))


def check(scope: Scope, http: Outbound, provider: Provider) -> Watched:
    """Checks whether calls to numbers with AI on reach their agents through this provider's trunk.

    The trunk's numbers and endpoints, and the agents' numbers, are read once for all of them.
    """
    state, rows = store.load(scope, provider), _numbers_with_ai(scope, provider)
    if not rows:
        return Watched()
    if not state.is_usable:
        queue.end_checks(scope, provider.key, [row.phone_number for row in rows])
        return Watched()
    sip, listing = selection.trunk_of(provider), cast(Numbers, provider)
    used = {selection.of_number(scope, row).key for row in rows}

    def read(
        client: Outbound, values: Mapping[str, Any]
    ) -> tuple[dict[str, ProviderNumber], list[SipEndpoint]]:
        numbers, is_whole = provider_numbers.by_number(listing.numbers(client, values))
        if not is_whole and any(row.phone_number not in numbers for row in rows):
            raise incomplete(provider.label)
        return numbers, sip.endpoints(client, values)

    try:
        client = http.within(gateway.LIST.seconds)
        numbers, endpoints = gateway.call(scope, client, state, read, evidence=Evidence.AI_NUMBER)
        imports = {key: _imports(scope, client, PROVIDERS[key]) for key in used}
    except Conflict as error:
        return Watched(failure=f"{messages.trunk_not_read(provider.label)} {error.message}")
    by_number = {}
    for row in rows:
        agents = selection.of_number(scope, row)
        if _hosts(scope, agents):
            number = numbers.get(row.phone_number)
            by_number[row.phone_number] = _verdict(scope, row, number, endpoints, imports[agents.key])
    with scope.transaction():
        queue.save_judged(scope, provider.key, by_number)
    problems = dict.fromkeys(one.detail for one in by_number.values() if not one.in_sync)
    return Watched(" ".join([*problems][:MOST_NAMED]) or None, checked=len(by_number))


def verdicts(scope: Scope) -> dict[tuple[str, str], DriftCheck]:
    """Returns the verdicts on numbers with AI on, by carrier and number."""
    by_trunk = {trunk.key: carrier for carrier, trunk in trunks().items()}
    checks = scope.select(DriftCheck).where(DriftCheck.provider.in_(by_trunk))
    return {(by_trunk[row.provider], row.phone_number): row for row in scope.session.scalars(checks)}


def _numbers_with_ai(scope: Scope, provider: Provider) -> list[VoicePhoneNumber]:
    carriers = [key for key, trunk in trunks().items() if trunk.key == provider.key]
    number = VoicePhoneNumber
    query = scope.select(number).where(number.ai_enabled, number.provider.in_(carriers))
    return list(scope.session.scalars(query.order_by(number.phone_number)))


def _hosts(scope: Scope, agents: Provider) -> tuple[str, ...]:
    """Returns the host names of the agents' provider, the usual one first."""
    return selection.agents_of(agents).sip_hosts(store.load(scope, agents).credentials)


def leads_to(endpoints: list[SipEndpoint], hosts: tuple[str, ...], trunk: str, agents: str) -> TrunkVerdict:
    """Returns whether the trunk calls one of the agents' hosts first; unknown for IP addresses."""
    first = [one for one in endpoints if one.priority == min(other.priority for other in endpoints)]
    others = [one for one in first if one.host not in hosts]
    if first and not others:
        return TrunkVerdict(True, None, messages.trunk_leads_to_agents(trunk, agents))
    if others and all(one.is_address for one in others):
        sentence = messages.trunk_leads_to_address(trunk, others[0].text, agents)
        return TrunkVerdict(None, Reason.NOT_SHOWN, sentence)
    named = next((one for one in others if not one.is_address), None)
    if named is None:
        sentence = messages.trunk_leads_nowhere(trunk, agents, hosts[0])
    elif len(others) < len(first):
        sentence = messages.trunk_shares_calls(trunk, named.text, agents)
    else:
        sentence = messages.trunk_leads_elsewhere(trunk, named.text, agents, hosts[0])
    return TrunkVerdict(False, Reason.TRUNK_LEADS_ELSEWHERE, sentence)
