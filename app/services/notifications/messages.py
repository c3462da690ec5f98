"""Sentences about notifications: their messages, destinations and deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.core.texts import count_of

TEST = "This is a test message. The destination works."
KEYS_ROTATED = "Every secret is encrypted with the newest key."
NO_BACKUP = "There is no backup yet."
NO_PROVIDER = "none"
NEW_PLACE_ADVICE = "If it was not you, end the session and change the password."
BLOCKED = {
    "no_public_base_url": "The organization has no public base URL.",
    "provider_unknown": "The provider was removed from Patchbay.",
    "provider_not_configured": "{provider} is not connected.",
    "provider_disabled": "{provider} is disabled.",
}
DESTINATION_DISABLED = "Disabled: every attempt has failed for a day. Last: {reason}"
GIVEN_UP = "Given up after a day. Last: {reason}"
EVENTS_EMPTY = "Choose at least one event."
URL_REPLACED = "Enter the whole value. The stored one is not shown."
PAST = "This is in the past."
ENDS_BEFORE_START = "The end must be after the start."
TOO_LONG_QUIET = "A quiet period ends within 30 days."
END_OR_HOURS = "Send either ends_at or hours."
HOURS = "Use a whole number of hours from 1 to 720."
HOURS_FROM_NOW = "With hours, the quiet period begins now. Omit this, or send ends_at."
NO_TIME = "Use a time such as 2026-03-18T22:00:00Z."
NO_SECRET = "This kind of destination has no secret to replace."
DISABLED = "This destination is disabled. Enable it first."
DAYS = "Use a whole number of days from 1 to 3650, or null for no limit."
HOUR = "Use an hour from 0 to 23 (UTC), or null for messages without delay."


def needed_for(label: str) -> str:
    return f"{label} is required for this kind of destination."


def unknown_for(name: str, kind: str) -> str:
    return f"A destination of the kind {kind} has no field {name}."


def too_many_destinations(most: int) -> str:
    return f"There are {most} destinations already. Delete one first."


def numbers_unhealthy(count: int, number: str, provider: str) -> str:
    what = number if count == 1 else count_of(count, "number")
    return f"{what} at {provider} {'is' if count == 1 else 'are'} unhealthy: calls may not be answered."


def numbers_recovered(count: int, number: str, provider: str) -> str:
    what = number if count == 1 else count_of(count, "number")
    return f"{what} at {provider} {'is' if count == 1 else 'are'} healthy again."


def connection_refused(provider: str) -> str:
    return f"The connection to {provider} does not work."


def connection_recovered(provider: str) -> str:
    return f"The connection to {provider} works again."


def call_webhook_disabled(provider: str) -> str:
    return f"{provider} does not report all calls: its webhook needs attention."


def call_webhook_recovered(provider: str) -> str:
    return f"{provider} reports calls again."


def provider_switched(family: str, provider: str) -> str:
    return f"The default provider for {family} is now {provider}."


def base_url_changed(url: str) -> str:
    return f"The public base URL is now {url}." if url else "The public base URL was removed."


def changed_by(actor: str) -> str:
    return f"Changed by {actor}."


def token_expiring(name: str, days: int) -> str:
    return f"The API token “{name}” expires in {count_of(days, 'day')} or less."


def token_of(email: str) -> str:
    return f"It belongs to {email}."


def secret_old(field: str, provider: str, days: int) -> str:
    return f"{provider}: {field} is more than {count_of(days, 'day')} old."


def check_failed(provider: str) -> str:
    return f"The check of {provider} failed."


def check_overdue(provider: str) -> str:
    return f"The check of {provider} is overdue."


def destination_disabled(label: str) -> str:
    return f"Messages to {label} are no longer sent."


def new_place(email: str, address: str) -> str:
    return f"{email} signed in from a new address, {address}."


def backup_old(days: int) -> str:
    return f"The last backup is more than {count_of(days, 'day')} old."


def digest(count: int) -> str:
    return f"{count_of(count, 'message')} since the last digest."


def since(at: datetime) -> str:
    return f"Since {moment(at)}."


def was_scheduled(at: datetime) -> str:
    return f"It was scheduled for {moment(at)}."


def ends(at: datetime) -> str:
    return f"It ends at {moment(at)}."


def entered(at: datetime) -> str:
    return f"It was entered at {moment(at)}."


def last_backup(at: datetime) -> str:
    return f"The last backup was made at {moment(at)}."


def moment(at: datetime) -> str:
    """Returns "18 March 2026, 10:00 UTC"."""
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def tested_by(actor: str) -> str:
    return f"{actor} sent it from Patchbay."


SEAL_BROKEN = "The secrets of this destination can no longer be decrypted. Enter them again."
TOO_MANY_WAITING = "Too many messages are being sent right now. Try again in a moment."
FAULT = "The message could not be sent. See the log."


def kind_gone(kind: str) -> str:
    return f"This version of Patchbay has no destinations of the kind {kind}."


def disabled_because(reason: str) -> str:
    return f"Every attempt failed for a day. The last one: {reason}"


def of_installation(names: Sequence[str]) -> str:
    return f"Only destinations of the installation receive {', '.join(names)}."


OTHER_OWNER = "Organizations limit the age of secrets, and the installation that of backups."
