"""Time-based one-time passwords (RFC 6238): active after the first code, and each code works once."""

from __future__ import annotations

import time

import pyotp

from app.core import clock
from app.core.errors import Conflict, Invalid, Problem
from app.core.sealing import Place, SealBroken
from app.models import User
from app.services import rate_limits
from app.services.access import messages, recovery_codes, sessions, step_up, tokens
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.rate_limits import Limit
from app.services.scope import Scope

STEP_SECONDS = 30
ISSUER = "Patchbay"
PROVIDER = "patchbay"


def place(user: User) -> Place:
    return Place(user.organization_id, PROVIDER, f"totp:{user.id}")


def is_on(user: User) -> bool:
    return user.totp_confirmed_at is not None


def begin(scope: Scope, user: User) -> str:
    """Stores a new secret, not yet active, and returns its provisioning URI."""
    step_up.expect_recent_password(scope)
    with scope.transaction():
        if is_on(user):
            raise Conflict(messages.TOTP_ON_TURN_OFF, code="TOTP_ON")
        secret = pyotp.random_base32()
        user.totp_sealed = scope.keys.sealer.seal(secret, place(user))
    return _uri(secret, user)


def pending_uri(scope: Scope, user: User) -> str | None:
    """Returns the provisioning URI of a secret that is not yet active; None if there is none."""
    if user.totp_sealed is None or is_on(user):
        return None
    secret = _secret(scope, user)
    return _uri(secret, user) if secret else None


def _uri(secret: str, user: User) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def key_of(uri: str) -> str:
    """Returns the secret in groups of four, to type into an app that cannot scan the URI."""
    secret = pyotp.parse_uri(uri).secret
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def confirm(scope: Scope, user: User, code: str, *, session_token: str | None = None) -> list[str]:
    """Activates the secret, ends the user's other sessions, and returns new recovery codes."""
    step_up.expect_recent_password(scope)
    with scope.transaction():
        if is_on(user):
            raise Conflict(messages.TOTP_ON, code="TOTP_ON")
        if not accept(scope, user, code):
            raise Invalid([Problem("code", messages.WRONG_FIRST_CODE)])
        user.totp_confirmed_at = clock.now()
        sessions.end_all(scope, user, but=session_token)
        tokens.revoke_all(scope, user, sign_ins_only=True)
        log.record(scope, Action.TOTP_ON, user.email)
        return recovery_codes.renew(scope, user)


def renew_recovery_codes(scope: Scope, user: User) -> list[str]:
    """Replaces all recovery codes. Raises Conflict if two-step sign-in is off."""
    step_up.expect_recent_password(scope)
    with scope.transaction():
        if not is_on(user):
            raise Conflict(messages.TOTP_OFF, code="TOTP_OFF")
        log.record(scope, Action.RECOVERY_CODES_RENEWED, user.email)
        return recovery_codes.renew(scope, user)


def disable(scope: Scope, user: User, *, session_token: str | None = None) -> None:
    """Turns two-step sign-in off, and ends the user's other sessions. Audited."""
    step_up.expect_recent_password(scope)
    with scope.transaction():
        sessions.end_all(scope, user, but=session_token)
        tokens.revoke_all(scope, user, sign_ins_only=True)
        remove(scope, user)
        log.record(scope, Action.TOTP_OFF, user.email)


def remove(scope: Scope, user: User) -> None:
    """Deletes the secret and the recovery codes."""
    scope.require_transaction()
    user.totp_sealed = user.totp_confirmed_at = None
    recovery_codes.remove(scope, user)


def accept(scope: Scope, user: User, code: str) -> bool:
    """Returns True once for a code of the current step, or of the step before or after it.

    It works once even if the clock is set back.
    """
    scope.require_transaction()
    scope.session.refresh(user)
    secret = _secret(scope, user)
    if secret is None:
        return False
    digits = code.replace(" ", "")
    step_now = int(time.time()) // STEP_SECONDS
    generator = pyotp.TOTP(secret)
    for step in (step_now - 1, step_now, step_now + 1):
        if pyotp.utils.strings_equal(generator.generate_otp(step), digits):
            used = rate_limits.key("totp-used", user.id, secret, str(step))
            return rate_limits.count(scope, Limit(used, most=1))
    return False


def _secret(scope: Scope, user: User) -> str | None:
    if user.totp_sealed is None:
        return None
    try:
        return scope.keys.sealer.open(user.totp_sealed, place(user))
    except SealBroken:
        return None
