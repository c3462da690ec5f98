"""ElevenLabs: its agents, the numbers that they answer, and its webhooks."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound
from app.provider import (
    Family,
    Origin,
    Outcome,
    Provider,
    Refusal,
    Secret,
    Text,
    Verified,
    json_object,
    proven,
    refused,
    unexpected,
)
from app.provider.numbers import cleaned

API = "https://api.elevenlabs.io"


class ElevenLabs(Provider):
    key = "elevenlabs"
    label = "ElevenLabs"
    position = 50
    families = (Family.VOICE_AI,)
    summary = "The voice agents."

    api_key = Secret("API key", help="ElevenLabs → Developers → API keys.", required=True)
    tool_secret = Secret(
        "Tool secret", help="Agents' tools show it to prove who calls.", origin=Origin.GENERATED
    )
    webhook_secret = Secret("Webhook secret", origin=Origin.PROVIDER)
    webhook_id = Text("Webhook ID", origin=Origin.PROVIDER)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the key's user, or an agent where the key may not. Either answer stays here: the first
        can have the key in it."""
        if lacking := self.missing_credentials(values):
            return lacking
        headers = {"xi-api-key": values["api_key"]}
        answer = http.send("GET", f"{API}/v1/user", headers=headers)
        if answer.status == 200 and "user_id" in json_object(answer):
            return proven("ElevenLabs accepts the API key.")
        if _status(answer) != "missing_permissions":
            return _refusal(answer)
        answer = http.send("GET", f"{API}/v1/convai/agents", headers=headers, query={"page_size": 1})
        if answer.status == 200 and "agents" in json_object(answer):
            return proven("ElevenLabs accepts the API key. It is a restricted one, and may read agents.")
        return _refusal(answer)


NUMBERS = f"{API}/v1/convai/phone-numbers"
SIP_TRUNK = "sip_trunk"
OURS = "Patchbay "
"""Begins the label of what was imported from here, so that it can be told from other numbers."""
MOST_PAGES = 20
ID = re.compile(r"[0-9A-Za-z_-]{1,100}")


@dataclass(frozen=True)
class Agent:
    id: str
    name: str


@dataclass(frozen=True)
class ImportedNumber:
    """A number of a SIP trunk that ElevenLabs has."""

    id: str
    agent_id: str | None
    label: str

    @property
    def is_ours(self) -> bool:
        """Whether it was imported from here."""
        return self.label.startswith(OURS)


def agents(http: Outbound, values: Mapping[str, Any]) -> list[Agent]:
    """Those that can be chosen, by name. Raises Refusal, as all of these; OutboundError passes through."""
    found: list[Agent] = []
    query: dict[str, Any] = {"page_size": 100}
    for _ in range(MOST_PAGES):
        answer = _send(http, values, "GET", f"{API}/v1/convai/agents", query=query)
        page = json_object(answer)
        if answer.status != 200 or not isinstance(page.get("agents"), list):
            raise Refusal(_refusal(answer))
        found += filter(None, map(_agent, page["agents"]))
        query["cursor"] = page.get("next_cursor")
        if not (page.get("has_more") and isinstance(query["cursor"], str)):
            break
    return sorted(found, key=lambda agent: (agent.name.casefold(), agent.id))


def _agent(item: Any) -> Agent | None:
    """None for one that is archived, and for what is no agent."""
    if not isinstance(item, dict) or not _is_id(item.get("agent_id")) or item.get("archived"):
        return None
    return Agent(item["agent_id"], cleaned(item.get("name"), 100) or item["agent_id"])


def imported(http: Outbound, values: Mapping[str, Any], phone_number: str) -> list[ImportedNumber]:
    """What ElevenLabs has of the number on SIP trunks: usually one, or nothing."""
    answer = _send(http, values, "GET", NUMBERS, query={"provider": SIP_TRUNK})
    listed = _listed(answer)
    if answer.status != 200 or listed is None:
        raise Refusal(_refusal(answer, lacks="read phone numbers"))
    return list(_imported(listed, phone_number))


def _listed(answer: Answer) -> list[Any] | None:
    """This list comes bare. None for anything else."""
    try:
        found = answer.json()
    except OutboundError:
        return None
    return found if isinstance(found, list) else None


def _imported(listed: list[Any], phone_number: str) -> Iterator[ImportedNumber]:
    for item in listed:
        if not isinstance(item, dict) or not _is_id(item.get("phone_number_id")):
            continue
        if (item.get("provider"), item.get("phone_number")) == (SIP_TRUNK, phone_number):
            agent = item.get("assigned_agent")
            agent_id = agent.get("agent_id") if isinstance(agent, dict) else None
            assigned = agent_id if _is_id(agent_id) else None
            yield ImportedNumber(item["phone_number_id"], assigned, str(item.get("label")))


def new_label(phone_number: str) -> str:
    """No two imports have the same, so that one whose answer got lost is found again."""
    return f"{OURS}{phone_number} {secrets.token_hex(3)}"


def import_number(
    http: Outbound, values: Mapping[str, Any], phone_number: str, trunk_domain: str, label: str
) -> str:
    """ElevenLabs' id of the number, which calls out through the trunk from now on."""
    body = {
        "provider": SIP_TRUNK,
        "phone_number": phone_number,
        "label": label,
        "inbound_trunk_config": {"media_encryption": "allowed"},
        "outbound_trunk_config": {
            "address": trunk_domain,
            "transport": "auto",
            "media_encryption": "allowed",
        },
    }
    answer = _send(http, values, "POST", NUMBERS, json=body)
    made = json_object(answer).get("phone_number_id")
    if answer.status not in (200, 201) or not _is_id(made):
        raise Refusal(_refusal(answer, lacks="import phone numbers"))
    return str(made)


def assign(http: Outbound, values: Mapping[str, Any], number_id: str, agent_id: str | None) -> None:
    """Makes the agent the one that answers the number; None for nobody."""
    answer = _send(http, values, "PATCH", _address(number_id), json={"agent_id": agent_id})
    if answer.status == 404:
        sentence = "ElevenLabs does not have this agent, or no longer has the number."
        raise Refusal(refused(Outcome.NOT_FOUND, sentence))
    if answer.status != 200:
        raise Refusal(_refusal(answer, lacks="change phone numbers"))


def remove(http: Outbound, values: Mapping[str, Any], number_id: str) -> None:
    """Takes the number out of ElevenLabs. One that is gone already is as good."""
    answer = _send(http, values, "DELETE", _address(number_id))
    if answer.status not in (200, 204, 404):
        raise Refusal(_refusal(answer, lacks="delete phone numbers"))


def _address(number_id: str) -> str:
    return f"{NUMBERS}/{quote(number_id, safe='')}"


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def _send(
    http: Outbound, values: Mapping[str, Any], method: str, url: str, *, query: Any = None, json: Any = None
) -> Answer:
    return http.send(method, url, headers={"xi-api-key": values["api_key"]}, query=query, json=json)


def _detail(answer: Answer) -> Mapping[str, Any]:
    """Empty for a list, which is what a complaint about parameters is."""
    detail = json_object(answer).get("detail")
    return detail if isinstance(detail, dict) else {}


def _status(answer: Answer) -> Any:
    """What decides: a wrong key and a restricted one both get 401."""
    return _detail(answer).get("status")


def _refusal(answer: Answer, lacks: str = "read agents") -> Verified:
    """`lacks`: what a restricted key may not do."""
    detail = _detail(answer)
    status = detail.get("status")
    if answer.status == 200 or answer.status >= 500:
        return unexpected(answer)
    if status == "invalid_api_key" or (not status and detail.get("type") == "authentication_error"):
        return refused(
            Outcome.BAD_CREDENTIALS,
            "ElevenLabs does not know this API key. Make or copy one under Developers, API keys.",
        )
    if status == "missing_permissions":
        return refused(
            Outcome.NO_PERMISSION,
            f"ElevenLabs knows this API key, but it may not {lacks}. Let it, under Developers, API keys.",
        )
    if status == "quota_exceeded":
        return refused(
            Outcome.RATE_LIMITED, "ElevenLabs answers no more: its quota is used up. See the plan there."
        )
    return unexpected(answer)


WEBHOOKS = f"{API}/v1/workspace/webhooks"
SETTINGS = f"{API}/v1/convai/settings"
CALL_EVENTS = ("transcript", "call_initiation_failure")


@dataclass(frozen=True)
class Webhook:
    """One of the workspace's webhooks, as ElevenLabs lists it."""

    id: str
    name: str
    url: str
    is_off: bool


@dataclass(frozen=True)
class MadeWebhook:
    """A webhook that was just made. Its secret is told this once."""

    id: str
    secret: str | None = field(repr=False)


def webhooks(http: Outbound, values: Mapping[str, Any]) -> list[Webhook]:
    """Every webhook of the workspace. Raises Refusal; OutboundError passes through, as in all of these."""
    answer = _send(http, values, "GET", WEBHOOKS)
    listed = json_object(answer).get("webhooks")
    if answer.status != 200 or not isinstance(listed, list):
        raise Refusal(_refusal(answer, "see the workspace's webhooks"))
    return [_webhook(found) for found in listed if isinstance(found, dict) and _text(found, "webhook_id")]


def _webhook(found: Mapping[str, Any]) -> Webhook:
    is_off = bool(found.get("is_disabled") or found.get("is_auto_disabled"))
    return Webhook(_text(found, "webhook_id"), _text(found, "name"), _text(found, "webhook_url"), is_off)


def make_webhook(http: Outbound, values: Mapping[str, Any], name: str, url: str) -> MadeWebhook:
    """Without a secret where ElevenLabs told none that can be kept."""
    settings = {"auth_type": "hmac", "name": name, "webhook_url": url}
    answer = _send(http, values, "POST", WEBHOOKS, json={"settings": settings})
    found = json_object(answer)
    if answer.status not in (200, 201) or not _text(found, "webhook_id"):
        raise Refusal(_refusal(answer, "make webhooks"))
    return MadeWebhook(_text(found, "webhook_id"), _text(found, "webhook_secret") or None)


def switch_webhook_on(http: Outbound, values: Mapping[str, Any], webhook_id: str, name: str) -> None:
    body = {"is_disabled": False, "name": name}
    answer = _send(http, values, "PATCH", _webhook_address(webhook_id), json=body)
    if answer.status != 200:
        raise Refusal(_refusal(answer, "change webhooks"))


def delete_webhook(http: Outbound, values: Mapping[str, Any], webhook_id: str) -> None:
    """One that is gone already is deleted."""
    answer = _send(http, values, "DELETE", _webhook_address(webhook_id))
    if answer.status not in (200, 204, 404):
        raise Refusal(_refusal(answer, "delete webhooks"))


def call_webhooks(http: Outbound, values: Mapping[str, Any]) -> dict[str, Any]:
    """The workspace's setting of who is told about calls, whole."""
    answer = _send(http, values, "GET", SETTINGS)
    found = json_object(answer)
    setting = found.get("webhooks") or {}
    if answer.status != 200 or not found or not isinstance(setting, dict):
        raise Refusal(_refusal(answer, "see the settings of agents"))
    return setting


def told_of_calls(setting: Mapping[str, Any]) -> str | None:
    """The webhook that is told about calls."""
    return _text(setting, "post_call_webhook_id") or None


def call_events(setting: Mapping[str, Any]) -> list[str]:
    """What that webhook is told, with all that we need."""
    listed = setting.get("events")
    found = [event for event in listed if isinstance(event, str)] if isinstance(listed, list) else []
    return found + [event for event in CALL_EVENTS if event not in found]


def tell_of_calls(
    http: Outbound, values: Mapping[str, Any], setting: Mapping[str, Any], webhook_id: str
) -> None:
    """Makes the webhook the one that is told. The rest of the setting goes back as it was read: whether
    ElevenLabs merges it is not known."""
    ours = {"post_call_webhook_id": webhook_id, "events": call_events(setting)}
    body = {"webhooks": {**setting, **ours}}
    answer = _send(http, values, "PATCH", SETTINGS, json=body)
    if answer.status != 200:
        raise Refusal(_refusal(answer, "change the settings of agents"))


def _webhook_address(webhook_id: str) -> str:
    return f"{WEBHOOKS}/{quote(webhook_id, safe='')}"


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""
