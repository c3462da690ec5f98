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


def no_credit(host: str) -> str:
    return f"{host} refuses because the account has no credit (HTTP 402). Top it up there."


def foreign_caller(label: str, number: str) -> str:
    return (
        f"The default caller number {number} is not a number of this {label} account: calls that show it "
        "fail. Choose one of the account's."
    )


CALLER_IS_OWN = "The default caller number is the account's."
CALLER_UNKNOWN = "The default caller number could not be verified: the account's numbers cannot be read."


def trunk_overrides(name: str) -> str:
    return f"The SIP trunk {name or 'at the provider'} takes precedence over the number's webhook."


def application_overrides(name: str) -> str:
    return f"The application {name or 'at the provider'} takes precedence over the number's webhook."


def unread(names: Iterable[str]) -> str:
    return (
        f"Patchbay cannot read {', '.join(names)} in the provider's response, so what the number does is not "
        "known."
    )


TWICE = "The provider lists this number twice, with different settings: which ones count is not known."


def unread_rows(label: str, noun: str) -> str:
    return (
        f"{label}'s list has {noun} that cannot be read, so it is not known whether the others are there. "
        "Try again. If this continues, check its console."
    )


def on_flow(name: str) -> str:
    return f"The number is on the flow {name}. What the flow calls is not returned."


def different_method(method: str) -> str:
    return f"The right URL is called with {method} instead of POST."


def different_fallback(observed: str, expected: str) -> str:
    return f"If the webhook fails, {observed or 'nothing'} is called instead of {expected or 'nothing'}."


def different_status_url(observed: str, expected: str) -> str:
    return f"The status of calls is reported to {observed or 'no URL'} instead of {expected}."


def status_also_reported(url: str) -> str:
    return f"The status of calls is also reported to {url}."


def answered_by(service: str) -> str:
    return f"{service} answers this number now. Setting the webhook takes the number away from it."


def having_problems(host: str, status: int, when: str) -> str:
    return f"{host} is having problems (HTTP {status}). Try again {when}."


def unexpected(host: str, what: str, status: int) -> str:
    return f"{host} returned {what} (HTTP {status}). If this continues, check its status page."
