"""Sentences of errors that belong to no part of the product."""

from __future__ import annotations

STALE = "This was changed by someone else. Reload, then save again."
STORAGE_FULL = "The server's disk is full, so nothing was saved. Free up space on it, then try again."
TOO_MANY_SIGN_INS = "Too many people are signing in. Try again in a moment."


def invalid(fields: str) -> str:
    return f"Nothing was changed. Check these fields: {fields}."
