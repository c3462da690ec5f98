"""Sentences about the choice and the credentials of providers."""

from __future__ import annotations

from collections.abc import Sequence

FIRST_CONNECTED = "The first provider that was connected"
CHANGED_SINCE = "The default provider was changed again since. Only the last change can be undone."
NO_VOICE_PROVIDER = "There is no active voice provider. A superadmin can choose one."
NEEDS_BASE_URL = "Required: an https URL that providers can reach, such as https://voice.example.com."


def wrong_family(label: str, family: str, choices: Sequence[str]) -> str:
    return f"{label} does not serve {family}. Use {' or '.join(choices)}."


def is_disabled(label: str) -> str:
    return f"{label} is disabled. Enable it first."


def no_dialer_tokens(label: str) -> str:
    return f"{label} has no tokens for dialers."


def dialer_token_needs(label: str, missing: Sequence[str]) -> str:
    return f"Dialer tokens of {label} need {' and '.join(missing)}. A superadmin can add what is missing."


def default_needs(label: str, families: Sequence[str], missing: Sequence[str]) -> str:
    return (
        f"{label} is the default for {' and '.join(families)} and needs {', '.join(missing)}. "
        "Choose another default first."
    )


def was_disabled(label: str) -> str:
    return f"{label} was disabled"


def was_disconnected(label: str) -> str:
    return f"{label} was disconnected"


def use_one_of(keys: Sequence[str]) -> str:
    return f"Use {' or '.join(keys)}."


def voice_provider_not_found(keys: Sequence[str]) -> str:
    return f"Voice provider not found. {use_one_of(keys)}"


def other_providers_field(key: str) -> str:
    return f"This is not a field of {key}. Send one provider's values at a time."
