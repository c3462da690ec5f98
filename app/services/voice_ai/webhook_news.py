"""Audits when call reports stop arriving, and when they arrive again.

Notifications derive from these events.
"""

from __future__ import annotations

from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import Scope
from app.services.voice_ai import messages


def note(
    scope: Scope, label: str, reason: str | None, *, was_active: bool, is_active: bool, was_disabled: bool
) -> None:
    """Audits a change of a webhook that was set up before, in the open transaction.

    `was_disabled`: its provider had disabled it, whether or not it was enabled again since.
    """
    if was_active and (was_disabled or not is_active):
        why = messages.webhook_auto_disabled(label) if was_disabled else reason
        log.note(scope, Action.CALL_WEBHOOK_FAILED, label, log.reasoned(why))
    if is_active and (was_disabled or not was_active):
        log.note(scope, Action.CALL_WEBHOOK_WORKS, label)
