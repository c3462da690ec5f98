"""Requests to ElevenLabs' API, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import Outcome, Verified, json_object, refused, unexpected
from app.providers.elevenlabs import messages

API = "https://api.elevenlabs.io"
AGENTS = f"{API}/v1/convai/agents"
ID = re.compile(r"[0-9A-Za-z_-]{1,100}")


def send(
    http: Outbound, values: Mapping[str, Any], method: str, url: str, *, query: Any = None, json: Any = None
) -> Answer:
    return http.send(method, url, headers={"xi-api-key": values["api_key"]}, query=query, json=json)


def is_id(value: Any) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def text(found: Mapping[str, Any], name: str) -> str:
    """The value of that name, or an empty string if it is no text."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def _detail(answer: Answer) -> Mapping[str, Any]:
    """The object that describes an error; empty for a list, which complains about parameters."""
    detail = json_object(answer).get("detail")
    return detail if isinstance(detail, dict) else {}


def is_restricted(answer: Answer) -> bool:
    """Whether the API key lacks a permission: a wrong key has the same status, 401."""
    return _detail(answer).get("status") == "missing_permissions"


def refusal(answer: Answer, lacks: str = messages.READ_AGENTS) -> Verified:
    """Why the request was refused. `lacks`: what a restricted key may not do."""
    detail = _detail(answer)
    status = detail.get("status")
    if answer.status == 200 or answer.status >= 500:
        return unexpected(answer)
    if status == "invalid_api_key" or (not status and detail.get("type") == "authentication_error"):
        return refused(Outcome.BAD_CREDENTIALS, messages.UNKNOWN_KEY)
    if is_restricted(answer):
        return refused(Outcome.NO_PERMISSION, messages.lacks_permission(lacks))
    if status == "quota_exceeded":
        return refused(Outcome.RATE_LIMITED, messages.QUOTA_EXCEEDED)
    return unexpected(answer)
