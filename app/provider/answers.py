"""What can be said of any provider's answer, whatever the provider."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from app.core.outbound.answer import Answer, OutboundError, retry_after
from app.provider import results
from app.provider.results import Outcome, Refusal, Verified

LONGEST_PAUSE = 86_400
"""Seconds that a provider may ask for; more is not repeated."""


def is_web_page(answer: Answer) -> bool:
    """Whether people are meant to read the answer: it is of something on the way, such as a proxy."""
    is_called_one = "html" in answer.headers.get("Content-Type", "").lower()
    body = answer.body.lstrip()
    return bool(body) and (is_called_one or body[:9].lower().startswith((b"<!doctype", b"<html")))


def is_unauthorized(answer: Answer) -> bool:
    """Whether credentials are refused, whatever else the provider says, or nothing."""
    return answer.status == 401 and not is_web_page(answer)


def retry_hint(answer: Answer) -> str:
    """When to try again, where the provider asks for more than a minute, up to a day; empty otherwise."""
    seconds = retry_after(answer.headers.get("Retry-After", ""))
    return f"in about {math.ceil(seconds / 60)} minutes" if 60 < seconds <= LONGEST_PAUSE else ""


def described(answer: Answer) -> str:
    """What came, where it is not what was asked for."""
    if is_web_page(answer):
        return "a web page instead of data"
    if not answer.body.strip():
        return "nothing"
    try:
        answer.json()
    except OutboundError:
        return "something that cannot be read"
    return "other data than was asked for" if answer.status < 300 else "an error that Patchbay does not know"


MOST_PAGES = 200
"""Of a provider's list, before it counts as one without an end."""


def json_object(answer: Answer) -> Mapping[str, Any]:
    """The object that the provider answered; empty for anything else, such as a page of HTML."""
    try:
        found = answer.json()
    except OutboundError:
        return {}
    return found if isinstance(found, dict) else {}


def json_list(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """The objects of the answer's list of that name; Refusal where it has no such list."""
    found = json_object(answer).get(name)
    if answer.status != 200 or not isinstance(found, list):
        raise Refusal(unexpected(answer))
    return [row for row in found if isinstance(row, dict)]


def pagination_error(label: str) -> Refusal:
    """For a list whose pages repeat, or are more than anybody has."""
    sentence = f"{label}'s list does not come to an end: its pages repeat, or are too many."
    return Refusal(results.refused(Outcome.UNEXPECTED_ANSWER, sentence))


def unexpected(answer: Answer) -> Verified:
    """For an answer that says nothing about the values."""
    if answer.status == 429:
        return results.refused(
            Outcome.RATE_LIMITED,
            f"{answer.host} answers no more requests for now (status 429). "
            f"Try again {retry_hint(answer) or 'in a minute'}.",
        )
    if answer.status >= 500:
        sentence = f"{answer.host} has trouble of its own (status {answer.status}). "
        return results.refused(
            Outcome.UNEXPECTED_ANSWER, f"{sentence}Try again {retry_hint(answer) or 'later'}."
        )
    sentence = f"{answer.host} answered with {described(answer)} (status {answer.status})."
    return results.refused(Outcome.UNEXPECTED_ANSWER, f"{sentence} If this lasts, look at its status page.")
