"""The sentences of the pages for importing numbers."""

from __future__ import annotations

from app.core import texts
from app.provider.numbers import Override, ProviderNumber

CHOOSE_USER = "Choose a user"


def assigned(user_name: str, count: int) -> str:
    return f"{texts.count_of(count, 'number')} assigned to {texts.bidi_isolate(user_name)}."


def wrong(reason: str) -> str:
    return f"{reason}. Clear the selection to import the others."


def user_choice(name: str, email: str) -> str:
    return f"{texts.bidi_isolate(name)}, {email}"


def called_instead(number: ProviderNumber) -> str:
    """Returns what takes precedence over the webhook, or why none is shown; empty if one is."""
    named = f": {number.override_name}" if number.override_name else ""
    if number.override is Override.TRUNK:
        return f"SIP trunk{named}"
    if number.override is Override.APPLICATION:
        return f"Application{named}"
    if number.webhook_url:
        return ""
    return "No webhook set" if number.shows_webhook else "Not shown by the provider"
