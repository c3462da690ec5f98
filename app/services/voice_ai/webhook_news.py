"""Audits that reports of calls stop arriving, or arrive again. Notifications are made of these events."""

from __future__ import annotations

from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import Scope
from app.services.voice_ai import messages


def note(
    scope: Scope, label: str, reason: str | None, *, was_active: bool, is_active: bool, was_disabled: bool
) -> None:
    """Audits the news of a webhook that was set up before, in the open transaction.

    `was_disabled`: its provider had switched it off, whether or not it was switched on again since.
    """
    if was_active and (was_disabled or not is_active):
        why = messages.webhook_auto_disabled(label) if was_disabled else reason
        log.note(scope, Action.CALL_WEBHOOK_FAILED, label, log.reasoned(why))
    if is_active and (was_disabled or not was_active):
        log.note(scope, Action.CALL_WEBHOOK_WORKS, label)
