"""Signing in and out, in the browser and for a token."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select, update

from app.core import clock
from app.core.errors import Invalid, Problem, Unauthenticated
from app.models import Organization, Role, User
from app.services import audit, passwords, recovery_codes, sessions, throttle, tokens, totp, validation
from app.services.actions import Action
from app.services.scope import SECRETS, Scope
from app.services.tokens import Issued

WRONG = "The email or the password is not right."
WRONG_CODE = "This code does not match, or was used already."
CODE_NEEDED = "TOTP_REQUIRED"


class Credentials(BaseModel):
    model_config = validation.STRICT

    email: str
    password: validation.Verbatim
    totp: str | None = None


def start_session(scope: Scope, user: User, *, user_agent: str) -> str:
    """The token of a new session, for a user who proved who they are."""
    inside = _as(scope, user)
    with inside.transaction(lock=False):
        _mark_signed_in(inside, user)
        sessions.sweep(inside)
        throttle.sweep(inside)
        tokens.sweep(inside)
        token = sessions.start(inside, user, user_agent=user_agent)
        audit.note(inside, Action.SIGNED_IN, user.email)
    return token


def for_token(scope: Scope, sent: Any) -> tuple[User, Issued]:
    """A short-lived JWT. A superadmin's has the `secrets` scope, as the contract expects."""
    user = check_password(scope, sent)
    if totp.is_on(user):
        check_code(scope, user, validation.read(Credentials, sent).totp)
    inside = _as(scope, user)
    scopes = (SECRETS,) if user.role == Role.SUPERADMIN else ()
    with inside.transaction(lock=False):
        _mark_signed_in(inside, user)
        issued = tokens.create(
            inside, user, name="Sign-in", scopes=scopes, life=tokens.SIGN_IN_LIFE, is_sign_in=True
        )
        audit.note(inside, Action.SIGNED_IN, user.email, {"by": [None, "API"]})
    return user, issued


def out(scope: Scope, token: str) -> None:
    with scope.transaction(lock=False):
        sessions.end(scope, token)
        audit.note(scope, Action.SIGNED_OUT, scope.actor.name)


def _mark_signed_in(scope: Scope, user: User) -> None:
    """Without a new version: whoever edits this person now loses nothing by it."""
    scope.session.execute(update(User).where(User.id == user.id).values(last_signed_in_at=clock.now()))


def _as(scope: Scope, user: User) -> Scope:
    organization = scope.session.get_one(Organization, user.organization_id)
    actor = replace(scope.actor, name=user.email, user_id=user.id, organization_id=organization.id)
    return replace(scope, found=organization, actor=actor)


def check_password(scope: Scope, sent: Any) -> User:
    """Who it is. The same answer, and as late, for a wrong password and for nobody's email.

    Where TOTP is on, the user has not proved who they are before `check_code`.
    """
    draft = validation.read(Credentials, sent)
    email = normal_email(draft.email)
    counter = throttle.key("sign-in", email)
    throttle.refuse_if_exhausted(scope, counter)
    user = _user_of(scope, email)
    right = passwords.matches(user.password_hash if user else None, draft.password)
    if user is None or not right or user.disabled_at is not None:
        _miss(_beside(scope, user) if user else scope, counter, email)
        raise Unauthenticated(WRONG, code="WRONG_CREDENTIALS")
    with scope.transaction():
        throttle.clear(scope, counter)
    return user


def _user_of(scope: Scope, email: str) -> User | None:
    query = select(User).where(User.email == email)
    return None if "\0" in email else scope.session.scalar(query)


def check_code(scope: Scope, user: User, code: str | None) -> bool:
    """The second step: a code of the app or a recovery code. Whether it was the latter."""
    if not code:
        raise Unauthenticated("Enter the code that your authenticator app shows.", code=CODE_NEEDED)
    taken = _take_code(_beside(scope, user), user, code)
    if taken is None:
        raise Unauthenticated(WRONG_CODE, code=CODE_NEEDED)
    return taken is Second.RECOVERY


def confirm_code(scope: Scope, user: User, code: str) -> None:
    """Again, before the second step itself is changed. Invalid where it does not match."""
    if _take_code(scope, user, code) is None:
        raise Invalid([Problem("code", WRONG_CODE)])


class Second(Enum):
    """What proved the second step."""

    APP = 1
    RECOVERY = 2


def _take_code(inside: Scope, user: User, code: str) -> Second | None:
    """Each code is taken once. None, and a miss is counted, where it is not one."""
    counter = throttle.key("totp", user.email)
    throttle.refuse_if_exhausted(inside, counter)
    taken = None
    with inside.transaction(lock=False):
        if totp.accept(inside, user, code):
            taken = Second.APP
        elif totp.is_on(user) and recovery_codes.accept(inside, user, code):
            taken = Second.RECOVERY
            left = recovery_codes.left(inside, user)
            audit.note(inside, Action.RECOVERY_CODE_USED, user.email, {"left": [left + 1, left]})
        if taken:
            throttle.clear(inside, counter)
    if taken is None:
        _miss(inside, counter, user.email)
    return taken


def confirm_password(
    scope: Scope, user: User, password: str, *, session_token: str | None, field: str = "your_password"
) -> None:
    """Again, before something that outlives the session is handed out. Invalid where it is wrong.

    The session of the token, where there is one, is a recent one from then on.
    """
    counter = throttle.key("confirm", user.email)
    throttle.refuse_if_exhausted(scope, counter)
    if not passwords.matches(user.password_hash, password):
        _miss(scope, counter, user.email)
        raise Invalid([Problem(field, "This is not your password.")])
    with scope.transaction():
        throttle.clear(scope, counter)
        if session_token is not None:
            sessions.confirm(scope, session_token)


def _beside(scope: Scope, user: User) -> Scope:
    """Still a stranger's, in the organization whose audit should show it."""
    return scope.into(scope.session.get_one(Organization, user.organization_id))


def _miss(scope: Scope, counter: str, email: str) -> None:
    with scope.transaction(lock=False):
        throttle.miss(scope, counter)
        audit.note(scope, Action.SIGN_IN_REFUSED, email)


def normal_email(text: str) -> str:
    return text.strip().lower()
