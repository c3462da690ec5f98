"""Requests to ElevenLabs' API, and the meaning of its errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.core.outbound.answer import Answer
from app.core.outbound.client import Outbound
from app.provider import Outcome, Verified, json_object, refused, unexpected
from app.provider.answers import is_unauthorized
from app.providers.elevenlabs import messages

HOSTS = (
    "api.elevenlabs.io",
    "api.us.elevenlabs.io",
    "api.eu.residency.elevenlabs.io",
    "api.in.residency.elevenlabs.io",
    "api.sg.residency.elevenlabs.io",
)
"""Each host has its own workspaces and API keys."""

USER = "/v1/user"
AGENTS = "/v1/convai/agents"
ID = re.compile(r"[0-9A-Za-z_-]{1,100}")


def send(
    http: Outbound, values: Mapping[str, Any], method: str, path: str, *, query: Any = None, json: Any = None
) -> Answer:
    url = f"{values.get('api_base') or f'https://{HOSTS[0]}'}{path}"
    return http.send(method, url, headers={"xi-api-key": values["api_key"]}, query=query, json=json)


def is_id(value: Any) -> bool:
    return isinstance(value, str) and ID.fullmatch(value) is not None


def text(document: Mapping[str, Any], name: str) -> str:
    """Returns the value of that name; an empty string if it is not text."""
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _detail(answer: Answer) -> Mapping[str, Any]:
    """Returns the object that describes an error; empty if it is text or a list of parameters."""
    detail = json_object(answer).get("detail")
    return detail if isinstance(detail, dict) else {}


def is_restricted(answer: Answer) -> bool:
    """Whether the API key lacks a permission: a wrong key has the same status, 401."""
    detail = _detail(answer)
    return "missing_permissions" in (detail.get("status"), detail.get("code"))


UNKNOWN = refused(Outcome.BAD_CREDENTIALS, messages.UNKNOWN_KEY)
BY_STATUS = {
    "invalid_api_key": UNKNOWN,
    "needs_authorization": UNKNOWN,
    "quota_exceeded": refused(Outcome.NO_CREDIT, messages.QUOTA_EXCEEDED),
    "detected_unusual_activity": refused(Outcome.SUSPENDED, messages.BLOCKED),
}
"""The results of errors by the word in their `status` or `code`, whatever their HTTP status."""


def refusal(answer: Answer, lacks: str = messages.READ_AGENTS) -> Verified:
    """Returns why the request was refused; `lacks` is the permission that a key may lack."""
    detail = _detail(answer)
    if answer.status == 200 or answer.status >= 500 or answer.status == 429:
        return unexpected(answer)
    if is_restricted(answer):
        return refused(Outcome.NO_PERMISSION, messages.lacks_permission(lacks))
    for word in (detail.get("status"), detail.get("code")):
        if isinstance(word, str) and word in BY_STATUS:
            return BY_STATUS[word]
    if is_unauthorized(answer) and not detail.get("status"):
        return UNKNOWN
    if answer.status == 403 and json_object(answer):
        return refused(Outcome.NO_PERMISSION, messages.lacks_permission(lacks))
    return unexpected(answer)
