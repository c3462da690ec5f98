"""What opens an account, or outlives a session, needs a password that was typed lately.

A stolen session or token must not give more access than it has.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.core import clock
from app.core.errors import Forbidden
from app.services.access import messages
from app.services.scope import Scope

RECENT = timedelta(minutes=30)


class PasswordNeeded(Forbidden):
    code = "PASSWORD_NEEDED"

    def __init__(self) -> None:
        super().__init__(messages.PASSWORD_NEEDED)


def is_recent(typed_at: datetime | None) -> bool:
    """Also False for a time that is ahead, after the clock was set back."""
    return typed_at is not None and abs(clock.now() - typed_at) < RECENT


def expect_recent_password(scope: Scope) -> None:
    """Raises PasswordNeeded unless the actor confirmed their password recently; the CLI has no actor."""
    actor = scope.actor
    if actor.user_id is not None and not is_recent(actor.password_typed_at):
        raise PasswordNeeded
