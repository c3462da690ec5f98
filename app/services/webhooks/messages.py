"""Sentences about webhooks at providers."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import urls

NOTHING_TO_SET = "No webhook URL to set: the number is inactive, or has no inbound agent or base URL."
NOT_TAKEN = "The provider accepted the change, and has another webhook than that afterwards."
NOT_SET = "The webhook was not set."
IDS_OR_FILTER = "Send either ids or filter: the endpoints with these ids, or all that match."
MISSING_MOST = 20
PREPARING = "Reading the selection"
WAITING = "Waiting for a check of the same provider"
CHANGING = "Changing numbers at their providers"
CONFIRMING = "Confirming the changes"
UNCONFIRMED = "The change was sent. Whether it was made is not confirmed yet."
LEASE_LOST = "Another process took over this connection's checks. The rest was not changed. Try again."
ENDPOINT_DELETED = "The endpoint was deleted meanwhile. Nothing was changed."
CHANGED_SINCE = "The number was changed at the provider since. Nothing was changed."
STILL_RUNNING = "The job is still running. Stop it first, or wait until it ends."
NOT_UNDOABLE = "Only a job that sets webhooks can be undone."
NOTHING_TO_UNDO = "This job changed no webhook that can be restored."
RESTORED = "The number does what it did before."
NOT_RESTORED = "The number does not do what it did before. Check it at the provider."
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


def repeated_id(index: int) -> str:
    return f"This is also in ids.{index}. Send each id once."


def missing_ids(indexes: Sequence[int]) -> str:
    named = ", ".join(f"ids.{index}" for index in indexes[:MISSING_MOST])
    more = len(indexes) - MISSING_MOST
    rest = f" and {more:,} more" if more > 0 else ""
    return f"Endpoints not found: {named}{rest}. Nothing was changed."


def left_to_service(service: str) -> str:
    return f"{service} answers this number, so it was left alone. To replace it, confirm that."


def not_tried(why: str) -> str:
    return f"This number was not tried: an earlier one had no success. {why}"


def cleared(label: str) -> str:
    return f"{label} no longer calls the webhook of this number."


def left_alone(label: str, url: str) -> str:
    """Returns a sentence with the URL's host only: the rest may be secret."""
    return f"{label} calls another URL{urls.at_host(url)} for this number. It was left alone."


def not_cleared(label: str) -> str:
    return f"{label} still calls the webhook of this number."


def deleted_not_cleared(reason: str) -> str:
    return f"The endpoint was deleted, but its webhook at the provider was not cleared. {reason}"


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
