"""Sentences of the audit's pages."""

from __future__ import annotations


def undo_of(reason: object, event_id: int) -> str:
    return f"Undo of “{reason}”" if reason else f"Undo of event {event_id}"
