"""The sentences of webhooks at providers."""

from __future__ import annotations

NOTHING_TO_SET = "No webhook URL to set: the number is inactive, or has no inbound agent or base URL."
NOT_SET = "The webhook was not set."
CALLBACK_NOT_SET = "The callback URL was not set."
CALLBACK_UNKNOWN = "It is not known whether the callback URL was set. Check again in a moment."
NOT_ATTACHED = "The number was not moved to the application."
ATTACHMENT_UNKNOWN = "It is not known whether the number was moved. Check again in a moment."
ANSWERED_BY_AGENT = (
    "An agent answers this number through a SIP trunk. On the application, the agent would not be called: "
    "turn AI off first."
)
NUMBER_UNKNOWN = "No user of this organization has that number."


def cannot_set(label: str) -> str:
    return f"The webhook at {label} cannot be set from Patchbay. Follow the steps on the number's page."


def cannot_attach(label: str) -> str:
    return f"A number cannot be moved to the {label} application from Patchbay."


def changed(label: str) -> str:
    return (
        f"The settings at {label} have changed since this page was opened. Nothing was changed. Check again."
    )


def no_callback(label: str) -> str:
    return f"{label} has no callback URL that all numbers share."


def callback_first(label: str) -> str:
    return f"Set the callback URL of {label} first: it was never set from Patchbay."


def callback_not_recorded(label: str) -> str:
    return (
        f"{label} uses the new callback URL now, but Patchbay could not record it. "
        "Reload the page in a moment, and set the URL again."
    )
