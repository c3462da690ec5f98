"""What can be said of any provider's answer, whatever the provider."""

from __future__ import annotations

import math

from app.core.outbound.answer import Answer, OutboundError, retry_after

LONGEST_PAUSE = 86_400
"""Seconds that a provider may ask for; more is not repeated."""


def is_web_page(answer: Answer) -> bool:
    """Whether people are meant to read the answer: it is of something on the way, such as a proxy."""
    is_called_one = "html" in answer.headers.get("Content-Type", "").lower()
    body = answer.body.lstrip()
    return bool(body) and (is_called_one or body[:9].lower().startswith((b"<!doctype", b"<html")))


def knows_nobody(answer: Answer) -> bool:
    """Whether credentials are refused, whatever else the provider says, or nothing."""
    return answer.status == 401 and not is_web_page(answer)


def when(answer: Answer) -> str:
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
