"""ElevenLabs: its agents, the numbers that they answer, and its reports of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound
from app.provider import (
    Family,
    Origin,
    Outcome,
    Provider,
    Secret,
    ServiceHost,
    Text,
    Verified,
    json_object,
    limited,
    proven,
    refused,
)
from app.provider.numbers import Taker
from app.providers.elevenlabs import api, messages
from app.providers.elevenlabs.agents import NUMBERS, Agents
from app.providers.elevenlabs.webhooks import SETTINGS, WEBHOOKS, Webhooks


class ElevenLabs(Agents, Webhooks, Provider):
    key = "elevenlabs"
    label = "ElevenLabs"
    position = 50
    families = (Family.VOICE_AI,)
    summary = "The voice agents."
    configured_flag = "hasApiKey"

    api_key = Secret("API key", help="ElevenLabs → Developers → API keys.", required=True)
    tool_secret = Secret(
        "Tool secret",
        help="Agents' tools show it to prove who calls.",
        origin=Origin.GENERATED,
        flag="hasToolSecret",
    )
    webhook_secret = Secret("Webhook secret", origin=Origin.PROVIDER)
    webhook_id = Text("Webhook ID", origin=Origin.PROVIDER)

    api_base = ServiceHost(
        "API base",
        help="Where the workspace's data resides. Each has its own keys: changing it requires the key again.",
        hosts=api.HOSTS,
        is_extra=True,
    )
    takers = (Taker("ElevenLabs", r"api\.([a-z]+\.)*elevenlabs\.io/(twilio|exotel|sip)"),)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads what Patchbay uses: agents, their numbers, webhooks and settings. A key may lack any of them.

        The user is read first, because a wrong key fails there. No response is passed on: it can contain the
        key.
        """
        if lacking := self.missing_credentials(values):
            return lacking
        answer = api.send(http, values, "GET", api.USER)
        may_read_user = answer.status == 200 and "user_id" in json_object(answer)
        if not may_read_user and not api.is_restricted(answer):
            return api.refusal(answer)
        lacking_rights = []
        for path, name, right in NEEDED:
            answer = api.send(
                http, values, "GET", path, query={"page_size": 1} if path == api.AGENTS else None
            )
            if api.is_restricted(answer) or (answer.status == 403 and json_object(answer)):
                lacking_rights.append(right)
            elif answer.status != 200 or not _has(answer, name):
                return api.refusal(answer, right)
        if lacking_rights:
            return _restricted(lacking_rights)
        return proven(messages.ACCEPTED if may_read_user else messages.RESTRICTED)


def _restricted(lacking: list[str]) -> Verified:
    """Without agents and numbers, nothing works; without webhooks, only reports of calls do not."""
    sentence = messages.lacks_permission(", ".join(lacking))
    is_useless = any(right in lacking for _, _, right in NEEDED[:2])
    return refused(Outcome.NO_PERMISSION, sentence) if is_useless else limited(sentence)


NEEDED = (
    (api.AGENTS, "agents", messages.READ_AGENTS),
    (NUMBERS, "", messages.READ_NUMBERS),
    (WEBHOOKS, "webhooks", messages.READ_WEBHOOKS),
    (SETTINGS, "", messages.READ_SETTINGS),
)
"""What is read: its path, the name of a list in it, and the right to read it in words."""


def _has(answer: Answer, name: str) -> bool:
    """Whether the response is JSON, with a list of that name if there is one."""
    if name:
        return isinstance(json_object(answer).get(name), list)
    try:
        return isinstance(answer.json(), dict | list)
    except OutboundError:
        return False
