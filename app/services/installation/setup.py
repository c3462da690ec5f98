"""Setting up an installation: its one-time link, its first superadmin and organization."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from app.core import hashing
from app.core.errors import Invalid, NotFound, Problem
from app.core.sealing import Place
from app.models import Installation, Role, Secret, User
from app.services import rate_limits, validation
from app.services.access import sign_in_limits, totp, users
from app.services.fields import Name
from app.services.installation import keys, messages
from app.services.notifications import sealed
from app.services.organizations import directory
from app.services.scope import Scope


class SetupDraft(BaseModel):
    model_config = validation.STRICT

    organization: Name
    name: str
    email: str
    password: validation.Verbatim


def _installation(session: Session) -> Installation | None:
    return session.scalar(select(Installation))


def new_setup_token(scope: Scope) -> str | None:
    """Returns a new single-use token for the setup link; None if there is a superadmin."""
    if directory.superadmins(scope):
        return None
    token = secrets.token_urlsafe(24)
    with scope.transaction():
        row = scope.session.get_one(Installation, 1)
        row.setup_token_hash = hashing.of_token(token)
    return token


def is_waiting(scope: Scope) -> bool:
    """Whether there is no user yet: the setup link creates the first one."""
    return scope.session.scalar(select(User.id).limit(1)) is None


def expect_setup(scope: Scope) -> None:
    """Raises NotFound unless there is an unused setup link."""
    row = _installation(scope.session)
    if row is None or row.setup_token_hash is None or directory.superadmins(scope):
        raise _link_error()


def expect_setup_token(scope: Scope, token: str) -> None:
    """Raises NotFound unless the token is that of the last, unused setup link. Raises TooMany."""
    if directory.superadmins(scope):
        raise _link_error()
    limit = sign_in_limits.of_setup_key(scope)
    rate_limits.consume(scope, limit)
    _compare_setup_token(scope, token)
    with scope.transaction(lock=False):
        rate_limits.clear(scope, limit)


def _compare_setup_token(scope: Scope, token: str) -> None:
    row = _installation(scope.session)
    stored = row.setup_token_hash if row else None
    if (
        stored is None
        or not hmac.compare_digest(stored, hashing.of_token(token))
        or directory.superadmins(scope)
    ):
        raise _link_error()


def _link_error() -> NotFound:
    return NotFound(messages.SETUP_KEY_USED)


def set_up(scope: Scope, token: str, submitted: dict[str, Any]) -> User:
    """Adds the first superadmin and organization in one transaction, and invalidates the link."""
    expect_setup_token(scope, token)
    name, user = _read(scope, submitted)
    inside = replace(scope, actor=replace(scope.actor, name=user.email))
    with users.one_user_per_email(scope, user.email), scope.transaction():
        row = scope.session.get_one(Installation, 1, with_for_update=True)
        _compare_setup_token(scope, token)
        row.setup_token_hash = None
        organization = directory.named(inside, name)
        return users.add(inside.for_organization(organization), user)


def _read(scope: Scope, submitted: dict[str, Any]) -> tuple[str, users.NewUser]:
    """Returns the organization's name, and the user. Raises Invalid with every wrong field of both."""
    person = {field: submitted.get(field, "") for field in ("email", "name", "password")}
    problems: list[Problem] = []
    name = ""
    try:
        name = validation.read(SetupDraft, submitted).organization
    except Invalid as error:
        problems = error.problems
    try:
        user = users.read_new(scope, person | {"role": Role.SUPERADMIN.value})
    except Invalid as error:
        problems += error.problems
    if problems:
        raise Invalid(problems)
    return name, user


def sealed_counts(scope: Scope) -> tuple[int, int]:
    """Returns the count of encrypted values, and of those that no key decrypts."""
    sealer = scope.keys.sealer
    columns = (Secret.sealed, Secret.organization_id, Secret.provider, Secret.field)
    stored = [(token, Place(*place)) for token, *place in scope.session.execute(select(*columns))]
    owners = select(User.totp_sealed, User).options(load_only(User.id, User.organization_id))
    stored += [
        (token or "", totp.place(user))
        for token, user in scope.session.execute(owners.where(User.totp_sealed.is_not(None)))
    ]
    unopened = sum(keys.resealed(sealer, token, place) is None for token, place in stored)
    destinations, destinations_unopened = sealed.counts(scope, sealer)
    return len(stored) + destinations, unopened + destinations_unopened
