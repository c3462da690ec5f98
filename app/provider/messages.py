"""Sentences about fields of providers, and about responses that say nothing of the credentials."""

from __future__ import annotations

from collections.abc import Iterable

WEB_PAGE = "a web page instead of data"
EMPTY_RESPONSE = "an empty response"
UNREADABLE_RESPONSE = "an unreadable response"
UNEXPECTED_DATA = "unexpected data"
UNKNOWN_ERROR = "an unknown error"
IN_A_MINUTE = "in a minute"
LATER = "later"

EMPTY = "This is empty. Omit it to keep the saved value, or send null to clear it."
EMPTY_SECRET = "A secret cannot be empty. Omit it to keep the saved one, or send null to clear it."
CONTROL_CHARACTERS = "This has line breaks or control characters."


def too_long(most: int) -> str:
    return f"This is longer than {most} characters."


def invalid(label: str, example: str) -> str:
    return f"Invalid {label}. {example}".strip()


def is_mask(label: str) -> str:
    return f"This is a mask, not the {label}. Send the value itself, or omit it."


def invisible_characters(label: str) -> str:
    return f"The {label} has spaces or invisible characters. Copy it again."


def whole_number(least: int, most: int) -> str:
    return f"Use a whole number from {least} to {most}."


def must_be(label: str, choices: str) -> str:
    return f"{label} must be {choices}."


def missing(labels: Iterable[str], provider: str) -> str:
    return f"Enter {', '.join(labels)} to call {provider}."


def in_about(minutes: int) -> str:
    return f"in about {minutes} minutes"


def endless_list(label: str) -> str:
    return f"{label}'s list has too many pages, or they repeat."


def rate_limited(host: str, when: str) -> str:
    return f"Rate-limited by {host} (HTTP 429). Try again {when}."


def having_problems(host: str, status: int, when: str) -> str:
    return f"{host} is having problems (HTTP {status}). Try again {when}."


def unexpected(host: str, what: str, status: int) -> str:
    return f"{host} returned {what} (HTTP {status}). If this continues, check its status page."
