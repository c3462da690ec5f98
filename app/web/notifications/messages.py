"""The messages of the notification pages after a change."""

from __future__ import annotations

SAVED = "Destination saved."
ACKNOWLEDGED = "Acknowledged. It stays open until it is over."
QUIET_ADDED = "Messages wait until the quiet period ends."
QUIET_ENDED = "The quiet period has ended. Messages that waited for it are sent."
LIMITS_SAVED = "Saved."
UNMUTED = "No longer muted. Messages that waited are sent."


def added(name: str) -> str:
    return f"{name} added. Send a test message to see that it works."


def deleted(name: str) -> str:
    return f"{name} deleted."


def accepted(status: int | None) -> str:
    return f"Accepted with status {status}." if status else "Accepted."


def refused(reason: str) -> str:
    return f"Not accepted. {reason}"


def muted(words: str) -> str:
    return f"Muted for {words}."


def enabled(name: str) -> str:
    return f"{name} enabled."


def disabled(name: str) -> str:
    return f"{name} disabled. No messages are kept for it."


def kind_unknown(key: str) -> str:
    return f"There is no kind of destination {key[:40]}."
