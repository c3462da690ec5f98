"""ElevenLabs: its agents, the numbers that they answer, and its reports of calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from app.core.outbound.answer import Answer
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
    Where,
    facts,
    json_object,
    limited,
    proven,
    refused,
)
from app.provider.calls import LastCalls
from app.provider.numbers import AnsweringService
from app.providers.elevenlabs import api, calls, messages
from app.providers.elevenlabs.agents import NUMBERS, Agents, listed
from app.providers.elevenlabs.webhooks import SETTINGS, WEBHOOKS, Webhooks, has_settings

API_KEYS = Where("ElevenLabs → Developers → API keys", "https://elevenlabs.io/app/settings/api-keys")


class ElevenLabs(Agents, Webhooks, Provider):
    key = "elevenlabs"
    label = "ElevenLabs"
    hosts = api.HOSTS
    position = 50
    families = (Family.VOICE_AI,)
    summary = "The voice agents."
    configured_flag = "hasApiKey"

    api_key = Secret("API key", where=API_KEYS, required=True)
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
    takers = (AnsweringService("ElevenLabs", r"api\.([a-z]+\.)*elevenlabs\.io/(twilio|exotel|sip)"),)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads agents, numbers, webhooks and settings, which Patchbay uses. A key may lack any.

        The user is read first, because a wrong key fails there. No response is passed on, as it can contain
        the key: only how many numbers there are.
        """
        if lacking := self.missing_credentials(values):
            return lacking
        answer = api.send(http, values, "GET", api.USER)
        may_read_user = answer.status == 200 and api.text(json_object(answer), "user_id") != ""
        if not may_read_user and not api.is_restricted(answer):
            return api.refusal(answer)
        lacking_rights: list[str] = []
        read: list[str] = []
        for path, name, right in NEEDED:
            answer = api.send(
                http, values, "GET", path, query={"page_size": 1} if path == api.AGENTS else None
            )
            if api.is_restricted(answer) or (answer.status == 403 and json_object(answer)):
                lacking_rights.append(right)
            elif answer.status != 200 or not _has_content(answer, name):
                return api.refusal(answer, right)
            elif path == NUMBERS and isinstance(rows := answer.json(), list):
                read = facts.counted(rows, "number")
        if lacking_rights:
            return _restricted_key(lacking_rights)
        return proven(messages.ACCEPTED if may_read_user else messages.RESTRICTED, *read)

    def last_calls(
        self,
        http: Outbound,
        values: Mapping[str, Any],
        phone_numbers: Collection[str],
        since: datetime | None,
    ) -> LastCalls:
        """Reads one list for each number. Transcripts are not read."""
        self.require_credentials(values)
        return calls.last(http, values, phone_numbers, since)


def _restricted_key(lacking: list[str]) -> Verified:
    """Returns the result for a restricted API key: refused if it may not read agents or numbers.

    Without webhooks or settings, only the reports of calls do not work: the key counts as limited.
    """
    sentence = messages.lacks_permission(", ".join(lacking))
    is_useless = any(right in lacking for _, _, right in NEEDED[:2])
    return refused(Outcome.NO_PERMISSION, sentence) if is_useless else limited(sentence)


NEEDED = (
    (api.AGENTS, "agents", messages.READ_AGENTS),
    (NUMBERS, "", messages.READ_NUMBERS),
    (WEBHOOKS, "webhooks", messages.READ_WEBHOOKS),
    (SETTINGS, "settings", messages.READ_SETTINGS),
)
"""The path of each list that is read, the expected content, and the permission in words."""


def _has_content(answer: Answer, name: str) -> bool:
    """Whether the response is the settings of agents, or a list: of that name, or as its body."""
    if name == "settings":
        return has_settings(json_object(answer))
    return listed(answer) is not None if not name else isinstance(json_object(answer).get(name), list)
