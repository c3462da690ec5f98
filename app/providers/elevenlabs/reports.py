"""Reads ElevenLabs' reports of calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.core import texts
from app.core.errors import Invalid, Problem
from app.provider.voice_ai import CallEvent, CallReport, Direction
from app.providers.elevenlabs import messages

MAX_SECONDS = 2**31 - 1
LATEST_START = 4_102_444_800
_SEPARATORS = re.compile(r"[\s().\-/]")
_NUMBER = re.compile(r"\+?[0-9]{3,20}", re.ASCII)

Part = Mapping[str, Any]


def read(event: Any) -> CallReport | None:
    """Returns the call that an event reports; None for other kinds of events.

    Raises Invalid if the event is not an object, or has no conversation.
    """
    if not isinstance(event, dict):
        raise Invalid([Problem("body", messages.OBJECT_NEEDED)])
    kind, data = event.get("type"), _part(event, "data")
    if kind not in list(CallEvent):
        return None
    conversation = data.get("conversation_id")
    if not isinstance(conversation, str) or not _line(conversation, 100) or len(conversation) > 100:
        raise Invalid([Problem("data.conversation_id", messages.CONVERSATION_NEEDED)])
    from_number, to_number = _numbers(data)
    metadata, analysis = _part(data, "metadata"), _part(data, "analysis")
    has_failed = kind == CallEvent.FAILED
    return CallReport(
        event=CallEvent(kind),
        conversation_id=texts.one_line(conversation, 100),
        agent_id=_line(data.get("agent_id"), 100) or "",
        agent_name=_line(data.get("agent_name"), 200),
        from_number=from_number,
        to_number=to_number,
        duration_seconds=_count(metadata.get("call_duration_secs"), MAX_SECONDS),
        outcome=_line(data.get("failure_reason") if has_failed else analysis.get("call_successful"), 100),
        started_at=moment(metadata.get("start_time_unix_secs")),
        direction=_direction(metadata),
    )


def _direction(metadata: Part) -> Direction | None:
    """Returns the call's direction.

    Twilio's calls have their own name for it, such as "outbound-api".
    """
    twilio = _line(_part(metadata, "body").get("Direction"), 20) or ""
    direction = _part(metadata, "phone_call").get("direction") or twilio.partition("-")[0]
    return Direction(direction) if direction in list(Direction) else None


def _numbers(data: Part) -> tuple[str | None, str | None]:
    """Returns the caller's and the called number, from the first place that has either."""
    metadata = _part(data, "metadata")
    phone_call, body = _part(metadata, "phone_call"), _part(metadata, "body")
    variables = _part(_part(data, "conversation_initiation_client_data"), "dynamic_variables")
    external_number, agent_number = phone_call.get("external_number"), phone_call.get("agent_number")
    is_outbound = phone_call.get("direction") == "outbound"
    for caller, called in (
        (agent_number, external_number) if is_outbound else (external_number, agent_number),
        (variables.get("system__caller_id"), variables.get("system__called_number")),
        (body.get("from_number"), body.get("to_number")),
        (body.get("From"), body.get("To")),
    ):
        numbers = _number(caller), _number(called)
        if any(numbers):
            return numbers
    return None, None


def _part(whole: Part, name: str) -> Part:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _line(value: Any, longest: int) -> str | None:
    return (texts.one_line(value, longest) or None) if isinstance(value, str) else None


def _number(value: Any) -> str | None:
    """Returns the digits of a phone number, with its plus if it has one; None for anything else."""
    if not isinstance(value, str):
        return None
    written = _SEPARATORS.sub("", value)
    return written if _NUMBER.fullmatch(written) else None


def _count(value: Any, most: int) -> int | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= most else None


def moment(value: Any) -> datetime | None:
    seconds = _count(value, LATEST_START)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None) if seconds else None
