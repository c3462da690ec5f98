"""ElevenLabs' agents, and the phone numbers that they answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound
from app.provider import Outcome, Refusal, json_object, refused
from app.provider.numbers import flag, is_named, one_line, phone_number
from app.provider.voice_ai import Agent, ImportedNumber, ImportedNumbers
from app.providers.elevenlabs import api, messages

NUMBERS = "/v1/convai/phone-numbers"
CONVERSATIONS = "/v1/convai/conversations"
SIP_TRUNK = "sip_trunk"
MOST_PAGES = 20


class Agents:
    """Implements the capability `HasAgents`."""

    def agents(self, http: Outbound, values: Mapping[str, Any]) -> list[Agent]:
        all_agents: list[Agent] = []
        query: dict[str, Any] = {"page_size": 100}
        for _ in range(MOST_PAGES):
            answer = api.send(http, values, "GET", api.AGENTS, query=query)
            page = json_object(answer)
            if answer.status != 200 or not isinstance(page.get("agents"), list):
                raise Refusal(api.refusal(answer))
            all_agents += filter(None, map(_agent, page["agents"]))
            cursor = page.get("next_cursor")
            if not (flag(page.get("has_more")) and isinstance(cursor, str)) or cursor == query.get("cursor"):
                break
            query["cursor"] = cursor
        once = {agent.id: agent for agent in all_agents}
        return sorted(once.values(), key=lambda agent: (agent.name.casefold(), agent.id))

    def sip_hosts(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns the SIP hosts of the data residency; the static one has fixed addresses."""
        match = re.search(r"\.(eu|in|sg)\.residency\.", str(values.get("api_base") or ""))
        place = f".{match[1]}.residency" if match else ""
        return f"sip.rtc{place}.elevenlabs.io", f"sip-static.rtc{place}.elevenlabs.io"

    def imported_numbers(self, http: Outbound, values: Mapping[str, Any]) -> ImportedNumbers:
        answer = api.send(http, values, "GET", NUMBERS, query={"provider": SIP_TRUNK})
        rows = listed(answer)
        if answer.status != 200 or rows is None:
            raise Refusal(api.refusal(answer, messages.READ_NUMBERS))
        return _trunk_numbers(rows)

    def import_number(
        self, http: Outbound, values: Mapping[str, Any], phone_number: str, sip_domain: str, label: str
    ) -> str:
        body = {
            "provider": SIP_TRUNK,
            "phone_number": phone_number,
            "label": label,
            "inbound_trunk_config": {"media_encryption": "allowed"},
            "outbound_trunk_config": {
                "address": sip_domain,
                "transport": "auto",
                "media_encryption": "allowed",
            },
        }
        answer = api.send(http, values, "POST", NUMBERS, json=body)
        number_id = json_object(answer).get("phone_number_id")
        if answer.status not in (200, 201) or not api.is_id(number_id):
            raise Refusal(api.refusal(answer, messages.IMPORT_NUMBERS))
        return str(number_id)

    def assign_agent(
        self, http: Outbound, values: Mapping[str, Any], number_id: str, agent_id: str | None
    ) -> None:
        answer = api.send(http, values, "PATCH", _address(number_id), json={"agent_id": agent_id})
        if answer.status == 404:
            raise Refusal(refused(Outcome.NOT_FOUND, messages.NOT_FOUND))
        if answer.status != 200:
            raise Refusal(api.refusal(answer, messages.CHANGE_NUMBERS))

    def remove_number(self, http: Outbound, values: Mapping[str, Any], number_id: str) -> None:
        answer = api.send(http, values, "DELETE", _address(number_id))
        if answer.status not in (200, 204, 404):
            raise Refusal(api.refusal(answer, messages.DELETE_NUMBERS))


def _agent(item: Any) -> Agent | None:
    """Returns the agent of a list's entry; None if it is archived or unreadable."""
    if not isinstance(item, dict) or not api.is_id(item.get("agent_id")) or item.get("archived"):
        return None
    return Agent(item["agent_id"], one_line(item.get("name"), 100) or item["agent_id"])


def listed(answer: Answer) -> list[Any] | None:
    """Returns the list of numbers, which is the whole body; None for any other body."""
    try:
        rows = answer.json()
    except OutboundError:
        return None
    return rows if isinstance(rows, list) else None


def _trunk_numbers(rows: list[Any]) -> ImportedNumbers:
    """Returns the numbers that were imported through a SIP trunk."""
    by_number = ImportedNumbers()
    for item in rows:
        if not _is_readable(item):
            by_number.is_whole = False
            continue
        number = phone_number(item.get("phone_number"))
        if number and str(item.get("provider")).lower() == SIP_TRUNK:
            agent = item.get("assigned_agent")
            agent_id = agent.get("agent_id") if isinstance(agent, dict) else None
            assigned = agent_id if api.is_id(agent_id) else None
            one = ImportedNumber(item["phone_number_id"], assigned, str(item.get("label")), _is_clear(agent))
            by_number.setdefault(number, []).append(one)
    return by_number


def _is_readable(item: Any) -> bool:
    """Whether an entry names its number and the kind of its connection."""
    if not isinstance(item, dict) or not api.is_id(item.get("phone_number_id")):
        return False
    return bool(item.get("provider")) and is_named(item.get("phone_number"))


def _is_clear(agent: Any) -> bool:
    """Whether `assigned_agent` names an agent, or is None because no agent answers."""
    return agent is None or (isinstance(agent, dict) and api.is_id(agent.get("agent_id")))


def _address(number_id: str) -> str:
    return f"{NUMBERS}/{quote(number_id, safe='')}"
