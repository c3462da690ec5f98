"""The sentences for Sinch's responses."""

from __future__ import annotations

ACCEPTED = "Sinch accepts the application key and its secret."
BAD_CREDENTIALS = (
    "Sinch rejects this application key and secret. Compare both with the app's page in the "
    "dashboard, under Voice, Apps."
)
NOT_A_KEY = "This is not an application key. Copy it from the Sinch dashboard, under Voice, Apps."
NO_PERMISSION = (
    "The application may not read or change its configuration. See its page in the Sinch dashboard, "
    "under Voice, Apps."
)
NO_APPLICATION = "Sinch has no application with this key. Copy the key from the dashboard, under Voice, Apps."
NO_NUMBER = "Sinch has no such application, or no such number. Check both in the dashboard."
WRONG_TIME = "Sinch rejects the time of the request (HTTP 401). Check the clock of this server."


def rejected(status: int) -> str:
    return f"Sinch rejects this address or number (HTTP {status})."


def number_missing(reason: str) -> str:
    return f"The application has the URL, but not the number yet. {reason}"
