"""Sentences of the audit's pages."""

from __future__ import annotations

from app.core import texts


def restored(count: int) -> str:
    return f"{texts.count_of(count, 'endpoint')} restored."


def undo_of(reason: object, event_id: int) -> str:
    return f"Undo of “{reason}”" if reason else f"Undo of event {event_id}"
