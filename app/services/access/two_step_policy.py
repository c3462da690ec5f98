"""The setting that superadmins need two-step sign-in."""

from __future__ import annotations

from sqlalchemy import select

from app.core.errors import Conflict
from app.models import Installation, Role, User
from app.services.access import messages, step_up, totp
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import Scope


def is_on(scope: Scope) -> bool:
    return bool(scope.session.scalar(select(Installation.superadmins_need_two_step)))


def is_missing(scope: Scope, user: User) -> bool:
    """Whether the user needs two-step sign-in and has not turned it on."""
    return user.role == Role.SUPERADMIN and not totp.is_on(user) and is_on(scope)


def superadmins(scope: Scope) -> list[User]:
    """Returns every superadmin who can sign in, by name."""
    query = select(User).where(User.role == Role.SUPERADMIN, User.disabled_at.is_(None))
    return list(scope.session.scalars(query.order_by(User.name, User.id)))


def set_on(scope: Scope, user: User, value: bool) -> None:
    """Turns the requirement on or off.

    Raises PasswordNeeded, and Conflict if the actor has two-step sign-in off. API tokens that were issued
    before keep working: programs cannot enter a code.
    """
    step_up.expect_recent_password(scope)
    with scope.transaction():
        if value and not totp.is_on(user):
            raise Conflict(messages.TWO_STEP_FIRST, code="TOTP_OFF")
        row = scope.session.get_one(Installation, 1, with_for_update=True)
        if row.superadmins_need_two_step != value:
            row.superadmins_need_two_step = value
            action = Action.TWO_STEP_REQUIRED if value else Action.TWO_STEP_OPTIONAL
            log.note(scope, action, "superadmins")
