"""The last calls to the numbers that ElevenLabs' agents answer. Transcripts are not read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from app.core import clock
from app.core.outbound.client import Outbound
from app.provider import Refusal, calls, json_list, json_object
from app.provider.calls import CallOutcome, LastCalls, ProviderCall
from app.providers.elevenlabs import agents, api, messages

RECENT = 20
"""How many conversations of a number are read: its last incoming one may be older than outgoing ones."""

OUTCOMES = {
    "initiated": CallOutcome.IN_PROGRESS,
    "in-progress": CallOutcome.IN_PROGRESS,
    "processing": CallOutcome.ANSWERED,
    "done": CallOutcome.ANSWERED,
    "failed": CallOutcome.FAILED,
}


def last(
    http: Outbound, values: Mapping[str, Any], phone_numbers: Collection[str], since: datetime | None
) -> LastCalls:
    """Reads each number's own list: conversations do not name the number that was called."""
    ids = _ids(http, values)
    own = (
        call
        for number in phone_numbers
        for number_id in ids.get(number, [])
        for call in _conversations(http, values, number_id, number, since)
    )
    by_number = calls.newest(own, phone_numbers)
    return LastCalls(by_number, since, frozenset(phone_numbers) - ids.keys())


def _ids(http: Outbound, values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Returns ElevenLabs' ids of each number, whatever its connection."""
    answer = api.send(http, values, "GET", agents.NUMBERS)
    listed = agents.listed(answer)
    if answer.status != 200 or listed is None:
        raise Refusal(api.refusal(answer, messages.READ_NUMBERS))
    by_number: dict[str, list[str]] = {}
    for item in (item for item in listed if isinstance(item, dict)):
        number, number_id = item.get("phone_number"), item.get("phone_number_id")
        if isinstance(number, str) and api.is_id(number_id):
            by_number.setdefault(number, []).append(str(number_id))
    return by_number


def _conversations(
    http: Outbound, values: Mapping[str, Any], number_id: str, number: str, since: datetime | None
) -> list[ProviderCall]:
    query: dict[str, Any] = {"phone_number_ids": number_id, "page_size": RECENT, "summary_mode": "exclude"}
    if since:
        query["call_start_after_unix"] = clock.seconds(since)
    answer = api.send(http, values, "GET", agents.CONVERSATIONS, query=query)
    if answer.status != 200 or "conversations" not in json_object(answer):
        raise Refusal(api.refusal(answer, messages.READ_CONVERSATIONS))
    return [call for row in json_list(answer, "conversations") if (call := _call(row, number))]


def _call(row: Mapping[str, Any], number: str) -> ProviderCall | None:
    started = calls.from_unix(row.get("start_time_unix_secs"))
    if started is None or row.get("direction") not in (None, "inbound"):
        return None
    return ProviderCall(number, started, calls.outcome(OUTCOMES, row.get("status")))
