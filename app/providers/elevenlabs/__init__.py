"""ElevenLabs: its agents, the numbers that they answer, and its reports of calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.outbound.client import Outbound
from app.provider import Family, Origin, Provider, Secret, Text, Verified, json_object, proven
from app.providers.elevenlabs import api, messages
from app.providers.elevenlabs.agents import Agents
from app.providers.elevenlabs.webhooks import Webhooks


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

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the key's user, or an agent if the key is restricted.

        Neither response is passed on: the first can have the key in it.
        """
        if lacking := self.missing_credentials(values):
            return lacking
        answer = api.send(http, values, "GET", f"{api.API}/v1/user")
        if answer.status == 200 and "user_id" in json_object(answer):
            return proven(messages.ACCEPTED)
        if not api.is_restricted(answer):
            return api.refusal(answer)
        answer = api.send(http, values, "GET", api.AGENTS, query={"page_size": 1})
        if answer.status == 200 and "agents" in json_object(answer):
            return proven(messages.RESTRICTED)
        return api.refusal(answer)
