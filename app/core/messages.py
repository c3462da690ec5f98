"""Sentences of errors that belong to no part of the product."""

from __future__ import annotations

NOTHING_CHANGED = "Nothing was changed."
STALE = "This was changed by someone else. Reload, then save again."
STORAGE_FULL = "The server's disk is full, so nothing was saved. Free up space on it, then try again."
NO_DATE = "Enter a date such as 2026-03-18."
END_BEFORE_START = "The end date is before the start date."
TOO_MANY_SIGN_INS = "Too many people are signing in. Try again in a moment."


def check_fields(fields: str) -> str:
    return f"Check these fields: {fields}."
