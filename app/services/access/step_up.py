"""Step-up authentication: sensitive acts require that the password was typed recently.

These are acts that open an account or outlive the session. A stolen session or token must not grant more
access than it has.
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
    """Whether the time is less than half an hour ago.

    A time further ahead than that, after the clock was set back, is not recent either.
    """
    return typed_at is not None and abs(clock.now() - typed_at) < RECENT


def expect_recent_password(scope: Scope) -> None:
    """Raises PasswordNeeded unless the actor typed their password recently.

    The command line has no password.
    """
    actor = scope.actor
    if actor.user_id is not None and not is_recent(actor.password_typed_at):
        raise PasswordNeeded
