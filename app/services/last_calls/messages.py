"""Sentences about the last call to a number. They never name the caller."""

from __future__ import annotations

from datetime import datetime

from app.provider.calls import CallOutcome

NOT_READ = "Read it to see whether calls get through."


def not_listed(label: str) -> str:
    return f"{label}'s API does not list calls."


def unreadable(problem: str) -> str:
    return f"Calls cannot be read: {problem}"


def listed_elsewhere(reason: str) -> str:
    return f"They are in another list. {reason}"


def never_called(label: str, since: datetime | None) -> str:
    if since is None:
        return f"{label} has no call to this number."
    return f"{label} has no call to this number since {since:%Y-%m-%d}."


def number_unknown(label: str) -> str:
    return f"{label} does not have this number."


def ended(outcome: CallOutcome, cause: str | None) -> str:
    return f"{outcome.label} ({cause})." if cause else f"{outcome.label}."


def unknown_error(label: str, code: str) -> str:
    return f"{label} reports error {code}."


def at_another_url(expected: str | None) -> str:
    if expected is None:
        return "The number has no webhook URL now."
    return "That was at another URL than the number's webhook has now."


def errors_unread(label: str, why: str) -> str:
    return f"Answered, but whether {label} reports an error about it is unknown: {why}"


def cannot_read(label: str) -> str:
    return f"{label}'s API does not list calls, so the last one cannot be read."
