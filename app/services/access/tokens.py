"""API tokens: JWTs with the id of a stored row, so that each can be listed and revoked."""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

from joserfc import jwt
from joserfc.errors import InvalidClaimError, JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel
from sqlalchemy import Engine, Row, delete, or_, select, update
from sqlalchemy.orm import Session

from app.core import clock, sealing, texts
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Unauthenticated
from app.models import ApiToken, Role, User
from app.models.base import new_id
from app.services import validation
from app.services.access import messages, step_up
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import SECRETS, Actor, Keys, Scope
from app.services.validation import Checked

ISSUER = "patchbay"
AUDIENCE = "patchbay-api"
ALGORITHM = "HS256"
SIGN_IN_LIFE = timedelta(hours=12)
LONGEST_DAYS = 3650
NAME_LONGEST = 120
USUAL_DAYS = 365
KEPT = timedelta(days=30)
"""How long expired tokens are retained."""

LISTED = 200
"""How many tokens of a user are listed."""

LEEWAY_SECONDS = 30
"""How long after its expiry a JWT is still accepted."""

USED_EVERY = timedelta(minutes=5)
"""How old the stored time of the last use may be before it is updated."""


_ID = re.compile(r"[0-9a-f-]{1,36}")


class _Claims(jwt.JWTClaimsRegistry):
    def validate_iat(self, value: object) -> None:
        """Accepts any number: this server's clock may have been ahead when it issued the token."""
        if not isinstance(value, int | float):
            raise InvalidClaimError("iat")


_claims = _Claims(
    leeway=LEEWAY_SECONDS,
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    exp={"essential": True},
    jti={"essential": True},
    sub={"essential": True},
)


@dataclass(frozen=True)
class Issued:
    """A new JWT and its row. The JWT itself is not stored."""

    jwt: str = field(repr=False)
    token: ApiToken


@lru_cache(maxsize=32)
def _key(secret: str) -> tuple[str, OctKey]:
    return sealing.fingerprint(secret), OctKey.import_key(secret)


class Signed(NamedTuple):
    """The claims of a verified JWT. Whether the token was revoked is in its row."""

    token_id: str
    until: float
    """When the JWT stops being accepted, leeway included, in seconds since 1970."""


def verify(keys: Keys, text: str) -> Signed:
    """Returns the claims of a JWT.

    Raises Unauthenticated if no key of this installation signed it, or it has expired.
    """
    for secret in keys.jwt:
        try:
            signed = _signed(secret, text)
        except (JoseError, ArithmeticError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if time.time() < signed.until:
            return signed
    raise Unauthenticated(messages.TOKEN_INVALID, code="INVALID_TOKEN")


@lru_cache(maxsize=4096)
def _signed(secret: str, text: str) -> Signed:
    """Returns the claims of a JWT that the key signed. Cached: the signature of a text never changes."""
    token = jwt.decode(text, _key(secret)[1], algorithms=[ALGORITHM])
    _claims.validate(token.claims)
    token_id = str(token.claims["jti"])
    if not _ID.fullmatch(token_id):
        raise InvalidClaimError("jti")
    return Signed(token_id, float(token.claims["exp"]) + LEEWAY_SECONDS)


_OWNER = (
    select(
        User.id,
        User.email,
        User.role,
        User.organization_id,
        ApiToken.scopes,
        ApiToken.is_sign_in,
        ApiToken.created_at,
    )
    .join_from(ApiToken, User, ApiToken.user_id == User.id)
    .where(ApiToken.revoked_at.is_(None), User.disabled_at.is_(None))
)


def actor(session: Session, token_id: str, *, ip: str, request_id: str) -> Actor:
    """Returns the owner of the token. Raises Unauthenticated if it was revoked or the user disabled."""
    row: Row[str, str, str, str, str, bool, datetime] | None = session.execute(
        _OWNER.where(ApiToken.id == token_id)
    ).one_or_none()
    if row is None:
        raise Unauthenticated(messages.TOKEN_REVOKED, code="INVALID_TOKEN")
    return Actor(
        name=row.email,
        user_id=row.id,
        organization_id=row.organization_id,
        role=Role(row.role),
        scopes=frozenset(row.scopes.split()),
        ip=ip,
        request_id=request_id,
        password_typed_at=row.created_at if row.is_sign_in else None,
        token_id=token_id,
    )


def mark_used(engine: Engine, token_ids: Collection[str], at: datetime) -> None:
    """Stores that the tokens were used, except those with a use younger than `USED_EVERY`.

    Locked rows are skipped: another process stores the same, or revokes the token.
    """
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < at - USED_EVERY)
    are_stale = select(ApiToken.id).where(ApiToken.id.in_(token_ids), stale)
    with engine.connect() as connection:
        if connection.execute(are_stale.limit(1)).first() is None:
            return
    unlocked = are_stale.with_for_update(skip_locked=True)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(update(ApiToken).where(ApiToken.id.in_(unlocked)).values(last_used_at=at))


def _check_name(name: str, _country: str | None = None) -> str:
    if not name or len(name) > NAME_LONGEST or texts.has_invisible(name):
        raise ValueError(messages.TOKEN_NAME)
    return name


def _check_days(days: int, _country: str | None = None) -> int:
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(messages.token_days(LONGEST_DAYS))
    return days


class NewToken(BaseModel):
    model_config = validation.STRICT

    name: Annotated[str, Checked(_check_name, {"maxLength": NAME_LONGEST, "pattern": texts.VISIBLE_LINE})]
    expires_days: Annotated[int, Checked(_check_days, {"minimum": 1, "maximum": LONGEST_DAYS})] = USUAL_DAYS


def issue(
    scope: Scope, user: User, *, name: str, scopes: tuple[str, ...] = (), days: int = USUAL_DAYS
) -> Issued:
    """Issues a token for a user. Audited.

    Raises Invalid for a wrong name, scope or number of days; PasswordNeeded; Conflict for a disabled user,
    whose token would work once they are enabled; Forbidden for another superadmin's token, because the
    audit log attributes what is done with a token to its user.
    """
    step_up.expect_recent_password(scope)
    with scope.transaction():
        _expect_valid(scope, user, name=name, scopes=scopes, days=days)
        issued = create(scope, user, name=name, scopes=scopes, life=timedelta(days=days))
        changes = {
            "name": [None, name],
            "scopes": [None, " ".join(scopes) or None],
            "expires": [None, f"{days} days"],
        }
        log.record(scope, Action.TOKEN_ISSUED, user.email, changes)
    return issued


def _expect_valid(scope: Scope, user: User, *, name: str, scopes: tuple[str, ...], days: int) -> None:
    if user.role == Role.SUPERADMIN and scope.actor.user_id not in (None, user.id):
        raise Forbidden(messages.NOT_YOUR_TOKEN, code="NOT_YOUR_TOKEN")
    if user.disabled_at is not None:
        raise Conflict(messages.USER_IS_DISABLED, code="USER_DISABLED")
    problems = []
    try:
        validation.read(NewToken, {"name": name, "expires_days": days})
    except Invalid as error:
        problems += error.problems
    if set(scopes) - {SECRETS}:
        problems.append(Problem("scope", messages.token_scope(SECRETS)))
    elif SECRETS in scopes and user.role != Role.SUPERADMIN:
        problems.append(Problem("scope", messages.SECRETS_NEED_SUPERADMIN))
    if problems:
        raise Invalid(problems)


class TokenDraft(NewToken):
    """A token to create. `scopes` is empty: tokens that can read secrets are created in the portal."""

    scopes: list[Annotated[str, validation.one_of([SECRETS])]] = []


def issue_for_api(scope: Scope, user: User, payload: Any) -> Issued:
    """Issues a token as `issue` does. Raises Forbidden for one that can read secrets.

    The portal requires the password for each of those, and an API request has none.
    """
    draft = validation.read(TokenDraft, payload)
    if draft.scopes:
        raise Forbidden(messages.SECRETS_IN_PORTAL, code="PORTAL_ONLY")
    return issue(scope, user, name=draft.name, days=draft.expires_days)


def document(token: ApiToken) -> dict[str, Any]:
    """Returns a token as the API documents it, without the JWT, which is not stored."""
    return {
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes.split(),
        "is_sign_in": token.is_sign_in,
        "created_at": clock.utc(token.created_at),
        "expires_at": clock.utc(token.expires_at),
        "last_used_at": None if token.last_used_at is None else clock.utc(token.last_used_at),
        "revoked_at": None if token.revoked_at is None else clock.utc(token.revoked_at),
    }


def create(
    scope: Scope,
    user: User,
    *,
    name: str,
    scopes: tuple[str, ...],
    life: timedelta,
    is_sign_in: bool = False,
) -> Issued:
    scope.require_transaction()
    now = clock.now()
    token = ApiToken(
        id=new_id(),
        user_id=user.id,
        name=name,
        scopes=" ".join(scopes),
        is_sign_in=is_sign_in,
        created_at=now,
        expires_at=now + life,
    )
    scope.session.add(token)
    key_id, key = _key(scope.keys.jwt[0])
    issued_at = clock.seconds(now)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user.id,
        "jti": token.id,
        "iat": issued_at,
        "exp": issued_at + int(life.total_seconds()),
        "scope": token.scopes,
    }
    return Issued(jwt.encode({"alg": ALGORITHM, "kid": key_id}, claims, key), token)


def revoke_all(scope: Scope, user: User, *, sign_ins_only: bool = False) -> None:
    scope.require_transaction()
    query = update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    if sign_ins_only:
        query = query.where(ApiToken.is_sign_in)
    scope.session.execute(query.values(revoked_at=clock.now()))


def sweep(scope: Scope) -> None:
    """Deletes tokens that expired a month ago."""
    scope.require_transaction()
    scope.session.execute(delete(ApiToken).where(ApiToken.expires_at < clock.now() - KEPT))


def of_user(scope: Scope, user: User) -> list[ApiToken]:
    """Returns the user's tokens: working ones, newest first, then recently expired ones.

    Expired sign-in tokens are omitted: a new sign-in replaces them.
    """
    now = clock.now()
    works = ApiToken.expires_at > now
    query = (
        select(ApiToken)
        .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None), or_(works, ~ApiToken.is_sign_in))
        .order_by(works.desc(), ApiToken.created_at.desc(), ApiToken.id)
        .limit(LISTED)
    )
    return list(scope.session.scalars(query))


def get(scope: Scope, user: User, token_id: str) -> ApiToken:
    """Returns the user's token. Raises NotFound."""
    token = scope.session.get(ApiToken, token_id)
    if token is None or token.user_id != user.id:
        raise NotFound(messages.TOKEN_NOT_FOUND)
    return token


def revoke(scope: Scope, user: User, token_id: str, *, reason: str | None = None) -> ApiToken:
    with scope.transaction():
        token = get(scope, user, token_id)
        if token.revoked_at is None:
            token.revoked_at = clock.now()
            changes = {"name": [token.name, None]} | log.reasoned(reason)
            log.record(scope, Action.TOKEN_REVOKED, user.email, changes)
    return token
