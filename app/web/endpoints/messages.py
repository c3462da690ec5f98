"""The sentences of the endpoints' pages."""

from __future__ import annotations

from app.core import texts

NO_VALUE = "Enter a value, or select “Remove”."
VALUE_AND_CLEAR = "Enter a value or select “Remove”, not both."


def created(number: str) -> str:
    return f"{number} added."


def read_as(typed: str, number: str) -> str:
    return f"“{texts.bidi_isolate(typed)}” was read as {number}."


def saved(number: str) -> str:
    return f"{number} saved."


def activated(number: str) -> str:
    return f"{number} activated."


def deactivated(number: str) -> str:
    return f"{number} deactivated; calls won't be answered."


def deleted(number: str) -> str:
    return f"{number} deleted."


def bulk_deleted(count: int) -> str:
    return f"{texts.count_of(count, 'endpoint')} deleted."


def bulk_changed(count: int, unchanged: int) -> str:
    if not count:
        return "No changes needed."
    was = "was" if unchanged == 1 else "were"
    rest = f" {unchanged:,} {was} already up to date." if unchanged > 0 else ""
    return f"{texts.count_of(count, 'endpoint')} updated.{rest}"


CHECKING = "Checking all numbers at their providers."
CHECKING_EVERYWHERE = "Checking all numbers at their providers. Reload to see the results."


def webhook_set(provider: str, number: str) -> str:
    return f"Webhook of {number} set at {provider}."


def webhook_still_wrong(provider: str, number: str, reason: str) -> str:
    return f"{provider} accepted the webhook of {number}, but it still doesn't match. {reason}"
