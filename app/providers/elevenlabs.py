from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.outbound import Answer, Outbound
from app.provider import (
    Family,
    Origin,
    Outcome,
    Provider,
    Secret,
    Text,
    Verified,
    content,
    proven,
    refused,
    unexpected,
)

API = "https://api.elevenlabs.io"


class ElevenLabs(Provider):
    key = "elevenlabs"
    label = "ElevenLabs"
    position = 50
    families = (Family.VOICE_AI,)
    summary = "The voice agents."

    api_key = Secret("API key", help="ElevenLabs, Developers, API keys.", required=True)
    tool_secret = Secret(
        "Tool secret", help="Agents' tools show it to prove who calls.", origin=Origin.GENERATED
    )
    webhook_secret = Secret("Webhook secret", origin=Origin.PROVIDER)
    webhook_id = Text("Webhook ID", origin=Origin.PROVIDER)

    def verify(self, http: Outbound, values: Mapping[str, Any]) -> Verified:
        """Reads the key's user, or an agent where the key may not. Either answer stays here: the first
        can have the key in it."""
        if lacking := self.lacking(values):
            return lacking
        headers = {"xi-api-key": values["api_key"]}
        answer = http.send("GET", f"{API}/v1/user", headers=headers)
        if answer.status == 200 and "user_id" in content(answer):
            return proven("ElevenLabs accepts the API key.")
        if _status(answer) != "missing_permissions":
            return _refusal(answer)
        answer = http.send("GET", f"{API}/v1/convai/agents", headers=headers, query={"page_size": 1})
        if answer.status == 200 and "agents" in content(answer):
            return proven("ElevenLabs accepts the API key. It is a restricted one, and may read agents.")
        return _refusal(answer)


def _detail(answer: Answer) -> Mapping[str, Any]:
    """Empty for a list, which is what a complaint about parameters is."""
    detail = content(answer).get("detail")
    return detail if isinstance(detail, dict) else {}


def _status(answer: Answer) -> Any:
    """What decides: a wrong key and a restricted one both get 401."""
    return _detail(answer).get("status")


def _refusal(answer: Answer) -> Verified:
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
            "ElevenLabs knows this API key, but it may not read agents. Let it, under Developers, API keys.",
        )
    if status == "quota_exceeded":
        return refused(
            Outcome.RATE_LIMITED, "ElevenLabs answers no more: its quota is used up. See the plan there."
        )
    return unexpected(answer)
