"""Signing in and out, in the browser and for a token."""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import structlog
from pydantic import BaseModel
from sqlalchemy import select, update

from app.core import clock
from app.core.errors import Forbidden, Invalid, Problem, Unauthenticated
from app.models import Organization, Role, User
from app.services import rate_limits, validation
from app.services.access import (
    messages,
    passwords,
    recovery_codes,
    sessions,
    sign_in_limits,
    tokens,
    totp,
    two_step_policy,
)
from app.services.access.sign_in_limits import KnownBrowsers
from app.services.access.tokens import Issued
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.rate_limits import Limit
from app.services.scope import SECRETS, Scope

log = structlog.get_logger(__name__)

CODE_NEEDED = "TOTP_REQUIRED"
UNKNOWN = "an unknown email"
"""Recorded in the audit log in place of an unknown email: the typed text may be a password."""

_REFUSED = "refused"


class Credentials(BaseModel):
    model_config = validation.STRICT

    email: str
    password: validation.Verbatim
    totp: str | None = None


@dataclass(frozen=True)
class Checked:
    """A user whose password was correct, and their `state_of` at that time."""

    user: User
    state: str


def start_session(scope: Scope, checked: Checked, *, user_agent: str) -> str:
    """Starts a session of a fully authenticated user, and returns its token."""
    user = checked.user
    inside = scope_of(scope, user)
    with inside.transaction(lock=False):
        _record_sign_in(inside, checked)
        sessions.sweep(inside)
        rate_limits.sweep(inside)
        tokens.sweep(inside)
        token = sessions.start(inside, user, user_agent=user_agent)
        audit_log.note(inside, Action.SIGNED_IN, user.email, _refused_before(inside, user))
    return token


def for_token(scope: Scope, payload: Any) -> tuple[User, Issued]:
    """Signs in for the API, and returns a short-lived JWT. A superadmin's has the `secrets` scope."""
    checked = check_password(scope, payload)
    user = checked.user
    if totp.is_on(user):
        check_code(scope, user, validation.read(Credentials, payload).totp)
    elif two_step_policy.is_missing(scope, user):
        raise Forbidden(messages.TWO_STEP_NEEDED, code="TWO_STEP_NEEDED")
    inside = scope_of(scope, user)
    scopes = (SECRETS,) if user.role == Role.SUPERADMIN else ()
    with inside.transaction(lock=False):
        _record_sign_in(inside, checked)
        issued = tokens.create(
            inside, user, name="Sign-in", scopes=scopes, life=tokens.SIGN_IN_LIFE, is_sign_in=True
        )
        changes = {"by": [None, "API"]} | _refused_before(inside, user)
        audit_log.note(inside, Action.SIGNED_IN, user.email, changes)
    return user, issued


def sign_out(scope: Scope, token: str) -> None:
    with scope.transaction(lock=False):
        sessions.end(scope, token)
        audit_log.note(scope, Action.SIGNED_OUT, scope.actor.name)


def _record_sign_in(scope: Scope, checked: Checked) -> None:
    """Stores the time of the sign-in, and locks the user's row until the end of the transaction.

    Raises Unauthenticated if the user has changed since the password was checked: reset or disabled, for
    example.
    """
    user = checked.user
    signed_in = {"last_signed_in_at": clock.now(), "updated_at": User.updated_at}
    scope.session.execute(update(User).where(User.id == user.id).values(signed_in))
    scope.session.refresh(user)
    if state_of(user) != checked.state:
        raise Unauthenticated(messages.ACCOUNT_CHANGED, code="WRONG_CREDENTIALS")


def scope_of(scope: Scope, user: User) -> Scope:
    """Returns the scope of an authenticated user in their organization."""
    organization = scope.session.get_one(Organization, user.organization_id)
    actor = replace(scope.actor, name=user.email, user_id=user.id, organization_id=organization.id)
    return replace(scope, organization_or_none=organization, actor=actor)


def check_password(scope: Scope, payload: Any, *, known_browsers: KnownBrowsers | None = None) -> Checked:
    """Returns the user of an email and password.

    A wrong password and an unknown email get the same error after the same time. With two-step sign-in on,
    the user is authenticated only after `check_code`. `known_browsers` are the users who have
    signed in with this browser before. Raises Unauthenticated, TooMany, Busy.
    """
    passwords.expect_slot(scope, reserved=bool(known_browsers))
    draft = validation.read(Credentials, payload)
    email = normal_email(draft.email)
    user, decoy = _user_and_decoy(scope, email)
    limits = sign_in_limits.of_password(scope, email, user, known_browsers or {})
    rate_limits.expect_room(scope, *limits)
    with passwords.slot(scope, reserved=len(limits) == 1):
        rate_limits.consume(scope, *limits)
        is_right = passwords.matches(user.password_hash if user else decoy, draft.password)
        if user is None or not is_right or user.disabled_at is not None:
            _record_refusal(scope, user)
            raise Unauthenticated(messages.WRONG_CREDENTIALS, code="WRONG_CREDENTIALS")
        was = user.password_hash
        fresh = passwords.hash_password(draft.password) if passwords.is_outdated(was) else None
    with scope.transaction(lock=False):
        rate_limits.uncount(scope, *limits)
        if fresh is not None:
            _replace_hash(scope, user, was, fresh)
        now = scope.session.get_one(User, user.id)
        if now.password_hash not in (was, fresh) or now.disabled_at is not None:
            raise Unauthenticated(messages.ACCOUNT_CHANGED, code="WRONG_CREDENTIALS")
        return Checked(now, state_of(now))


def _user_and_decoy(scope: Scope, email: str) -> tuple[User | None, str]:
    """Returns the user, and another user's hash to check if the email is unknown.

    The check takes as long as a real one only with the same parameters, so a stored hash is used.
    """
    place = str(uuid.UUID(bytes=hashlib.sha256(email.encode(errors="replace")).digest()[:16]))
    others = select(User.password_hash).order_by(User.id).limit(1)
    decoy = scope.session.scalar(others.where(User.id >= place)) or scope.session.scalar(others)
    user = scope.session.scalar(select(User).where(User.email == email))
    return user, decoy or passwords.decoy()


def _replace_hash(scope: Scope, user: User, was: str, fresh: str) -> None:
    """Stores a hash with today's parameters, unless the password was changed meanwhile."""
    row = (User.id == user.id) & (User.password_hash == was)
    values = {"password_hash": fresh, "updated_at": User.updated_at}
    scope.session.execute(update(User).where(row).values(values))


def state_of(user: User) -> str:
    """Returns a digest of the user's password hash, second factor, role and disabled state.

    A sign-in that waits for its second step is bound to it.
    """
    parts = (user.password_hash, user.totp_sealed, user.totp_confirmed_at, user.disabled_at, user.role)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def check_code(
    scope: Scope, user: User, code: str | None, *, known_browsers: KnownBrowsers | None = None
) -> bool:
    """Checks the second step: a code of the app, or a recovery code.

    Returns whether it was a recovery code. Raises Unauthenticated, TooMany.
    """
    if not code:
        raise Unauthenticated(messages.CODE_NEEDED, code=CODE_NEEDED)
    limit = sign_in_limits.of_code(user, known_browsers or {})
    factor = _accept_code(scope_of(scope, user), user, code, limit)
    if factor is None:
        _record_refusal(scope, user)
        raise Unauthenticated(messages.WRONG_CODE, code=CODE_NEEDED)
    return factor is SecondFactor.RECOVERY_CODE


def confirm_code(scope: Scope, user: User, code: str) -> None:
    """Checks a code before two-step sign-in itself is changed. Raises Invalid if it is wrong."""
    if _accept_code(scope, user, code, sign_in_limits.of_confirmed_code(user)) is None:
        _record_refusal(scope, user)
        raise Invalid([Problem("code", messages.WRONG_CODE)])


class SecondFactor(Enum):
    """The kind of code that was accepted in the second step."""

    TOTP = 1
    RECOVERY_CODE = 2


def _accept_code(inside: Scope, user: User, code: str, limit: Limit) -> SecondFactor | None:
    """Accepts each code once, and returns its kind; None for a wrong code."""
    rate_limits.consume(inside, limit)
    factor = None
    with inside.transaction(lock=False):
        if totp.accept(inside, user, code):
            factor = SecondFactor.TOTP
        elif totp.is_on(user) and recovery_codes.accept(inside, user, code):
            factor = SecondFactor.RECOVERY_CODE
            remaining = recovery_codes.remaining(inside, user)
            audit_log.note(
                inside, Action.RECOVERY_CODE_USED, user.email, {"left": [remaining + 1, remaining]}
            )
        if factor:
            rate_limits.clear(inside, limit)
    return factor


def confirm_password(
    scope: Scope, user: User, password: str, *, session_token: str | None, field: str = "your_password"
) -> None:
    """Checks the password again, before an act whose effect outlives the session.

    Raises Invalid if it is wrong. Marks the session of `session_token`, if there is one, as recently
    confirmed.
    """
    limit = sign_in_limits.of_confirmed_password(user)
    rate_limits.expect_room(scope, limit)
    with passwords.slot(scope):
        rate_limits.consume(scope, limit)
        is_right = passwords.matches(user.password_hash, password)
    if not is_right:
        _record_refusal(scope, user)
        raise Invalid([Problem(field, messages.WRONG_PASSWORD)])
    with scope.transaction():
        rate_limits.clear(scope, limit)
        if session_token is not None:
            sessions.confirm(scope, session_token)


def _record_refusal(scope: Scope, user: User | None) -> None:
    """Logs every refusal, and audits one an hour with the number of refusals since the last event.

    Audit events are stored forever, and unauthenticated requests could fill the database.
    """
    log.warning("sign_in.refused", user_id=user.id if user else None, address=scope.actor.ip)
    home = scope.session.get_one(Organization, user.organization_id) if user else None
    inside = replace(scope, organization_or_none=home)
    with inside.transaction(lock=False):
        times = rate_limits.tally(inside, _REFUSED, user.id if user else "")
        if times:
            changes = {"times": [None, times]} if times > 1 else None
            audit_log.note(inside, Action.SIGN_IN_REFUSED, user.email if user else UNKNOWN, changes)


def _refused_before(scope: Scope, user: User) -> dict[str, list[Any]]:
    """Returns the number of refused sign-ins that no event includes yet, as a change of an event."""
    scope.require_transaction()
    times = rate_limits.end_tally(scope, _REFUSED, user.id)
    return {"refused_before": [None, times]} if times else {}


def normal_email(text: str) -> str:
    """Returns the email in NFKC and lower case, without surrounding spaces."""
    return unicodedata.normalize("NFKC", text).strip().lower()
