"""Reads the responses of any provider."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from app.core.outbound.answer import Answer, OutboundError, retry_after
from app.provider import messages, results
from app.provider.results import Outcome, Refusal, Verified

LONGEST_PAUSE = 86_400
"""The longest Retry-After, in seconds, that a sentence repeats."""


def is_web_page(answer: Answer) -> bool:
    """Whether the response is an HTML page, which a proxy sends in place of the provider."""
    is_declared = "html" in answer.headers.get("Content-Type", "").lower()
    body = answer.body.lstrip()
    return bool(body) and (is_declared or body[:9].lower().startswith((b"<!doctype", b"<html")))


def is_unauthorized(answer: Answer) -> bool:
    """Whether the credentials are refused: a 401 that is not a web page, with any body."""
    return answer.status == 401 and not is_web_page(answer)


def retry_hint(answer: Answer) -> str:
    """Returns when to retry, if that is in more than a minute and within a day; else ""."""
    seconds = retry_after(answer.headers.get("Retry-After", ""))
    return messages.in_about(math.ceil(seconds / 60)) if 60 < seconds <= LONGEST_PAUSE else ""


def described(answer: Answer) -> str:
    """Returns a description of an unexpected response."""
    if is_web_page(answer):
        return messages.WEB_PAGE
    if not answer.body.strip():
        return messages.EMPTY_RESPONSE
    try:
        answer.json()
    except OutboundError:
        return messages.UNREADABLE_RESPONSE
    return messages.UNEXPECTED_DATA if answer.status < 300 else messages.UNKNOWN_ERROR


MOST_PAGES = 200
"""Pages of a list after which it counts as endless."""


def json_object(answer: Answer) -> Mapping[str, Any]:
    """Returns the JSON object of the response; empty for anything else."""
    try:
        parsed = answer.json()
    except OutboundError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def json_list(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """Returns the objects of the response's list of that name. Raises Refusal if it has none.

    An entry that is not an object is returned as an empty one, so that it counts as unreadable.
    """
    rows = json_object(answer).get(name)
    if answer.status != 200 or not isinstance(rows, list):
        raise Refusal(unexpected(answer))
    return [row if isinstance(row, dict) else {} for row in rows]


def pagination_error(label: str) -> Refusal:
    """Returns the refusal of a list whose pages repeat or never end."""
    return Refusal(results.refused(Outcome.UNEXPECTED_ANSWER, messages.endless_list(label)))


def incomplete(label: str, noun: str = "numbers") -> Refusal:
    """Returns the refusal for an item that a list with unreadable entries does not contain."""
    return Refusal(results.refused(Outcome.UNEXPECTED_ANSWER, messages.unread_rows(label, noun)))


def unexpected(answer: Answer) -> Verified:
    """Returns the result for a response that says nothing about the credentials."""
    if answer.status == 429:
        when = retry_hint(answer) or messages.IN_A_MINUTE
        return results.refused(Outcome.RATE_LIMITED, messages.rate_limited(answer.host, when))
    if answer.status == 402:
        return results.refused(Outcome.NO_CREDIT, messages.no_credit(answer.host))
    if answer.status >= 500:
        when = retry_hint(answer) or messages.LATER
        sentence = messages.having_problems(answer.host, answer.status, when)
    else:
        sentence = messages.unexpected(answer.host, described(answer), answer.status)
    return results.refused(Outcome.UNEXPECTED_ANSWER, sentence)
