"""The installation itself: its key check, its setup link, whether it can serve, its sealing keys."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, load_only
from sqlalchemy.orm.attributes import flag_modified

from app.core import hashing
from app.core.errors import NotFound
from app.core.sealing import Place, SealBroken, Sealer
from app.models import Installation, Role, Secret, User
from app.services import rate_limits, validation
from app.services.access import sign_in_limits, totp, users
from app.services.audit import chain
from app.services.audit.chain import WORD
from app.services.fields import Name
from app.services.organizations import crud
from app.services.scope import Scope

_EARLIER_KEY = "This opens with the right key."


class KeyMismatch(Exception):
    """The database was sealed with another key than the ones that are set."""


class SetupDraft(BaseModel):
    model_config = validation.STRICT

    organization: Name
    name: str
    email: str
    password: validation.Verbatim


def _row(session: Session) -> Installation | None:
    return session.scalar(select(Installation))


def check_keys(session: Session, sealer: Sealer) -> None:
    """Raises KeyMismatch unless the database's key check opens. Silent on a database that has none yet.

    Also of an older version, so it reads one column that has always been there.
    """
    key_check = session.scalar(select(Installation.key_check))
    if key_check is None:
        return
    try:
        sealer.open(key_check, WORD)
    except SealBroken:
        raise KeyMismatch(
            "PATCHBAY_FERNET_KEYS does not open this database: it was sealed with another key. "
            "Put that key back (several can be listed, newest first)."
        ) from None


def prepare(scope: Scope) -> None:
    """Seals a random key for the audit chains in a new database; KeyMismatch if another key sealed one.

    An installation from before the chains had records gets them now. An earlier version sealed a key that
    everybody knows.
    """
    sealer = scope.keys.sealer
    with suppress(IntegrityError), scope.transaction():
        row = scope.session.scalar(select(Installation).with_for_update())
        key = _new_key() if row is None else _chain_key(sealer, row)
        if key and not key.has_records:
            sealed = sealer.seal(chain.seal_all(scope.session, key).sealed_text(), WORD)
            row = row or Installation(id=1)
            row.key_check = sealed
            scope.session.add(row)
    check_keys(scope.session, sealer)


def _new_key() -> chain.Key:
    return chain.Key(secrets.token_urlsafe(32), has_records=False)


def _chain_key(sealer: Sealer, row: Installation) -> chain.Key | None:
    try:
        key = chain.open_key(sealer, row.key_check)
    except SealBroken:
        return None
    return _new_key() if key.hmac == _EARLIER_KEY else key


def new_setup_token(scope: Scope) -> str | None:
    """A new single-use key for the setup link if there is no superadmin, else None."""
    if crud.superadmins(scope):
        return None
    token = secrets.token_urlsafe(24)
    with scope.transaction():
        row = scope.session.get_one(Installation, 1)
        row.setup_token_hash = hashing.of_token(token)
    return token


def expect_setup(scope: Scope) -> None:
    """NotFound unless there is a setup link that was not used."""
    row = _row(scope.session)
    if row is None or row.setup_token_hash is None or crud.superadmins(scope):
        raise _used_up()


def expect_setup_token(scope: Scope, token: str) -> None:
    """NotFound unless it is the token of the last setup link, and that was not used. TooMany for guessing."""
    if crud.superadmins(scope):
        raise _used_up()
    limit = sign_in_limits.of_setup_key(scope)
    rate_limits.take(scope, limit)
    _compare_setup_token(scope, token)
    with scope.transaction(lock=False):
        rate_limits.clear(scope, limit)


def _compare_setup_token(scope: Scope, token: str) -> None:
    row = _row(scope.session)
    stored = row.setup_token_hash if row else None
    if stored is None or not hmac.compare_digest(stored, hashing.of_token(token)) or crud.superadmins(scope):
        raise _used_up()


def _used_up() -> NotFound:
    return NotFound("This setup key was used, or is not the latest one. The console shows the latest.")


def set_up(scope: Scope, token: str, sent: Any) -> User:
    """The first superadmin and organization, all or nothing; the link is used up."""
    expect_setup_token(scope, token)
    draft = validation.read(SetupDraft, sent)
    person = users.read_new(
        scope,
        {
            "email": draft.email,
            "name": draft.name,
            "role": Role.SUPERADMIN.value,
            "password": draft.password,
        },
    )
    inside = replace(scope, actor=replace(scope.actor, name=person.email))
    with users.one_user_per_email(person.email), scope.transaction():
        row = scope.session.get_one(Installation, 1, with_for_update=True)
        _compare_setup_token(scope, token)
        row.setup_token_hash = None
        organization = crud.named(inside, draft.organization)
        return users.add(inside.into(organization), person)


def reseal(scope: Scope) -> Iterator[tuple[int, int]]:
    """Seals every secret again with the newest key, a row at a time; yields (done, total).

    Each row is its own transaction, so that it can be stopped anywhere and started again.
    """
    sealer = scope.keys.sealer
    stale = select(Secret.id).where(Secret.key_fingerprint != sealer.current)
    total = scope.session.scalar(select(func.count()).select_from(stale.subquery())) or 0
    for done, row_id in enumerate(list(scope.session.scalars(stale)), start=1):
        with scope.transaction():
            _reseal_row(scope, row_id)
        yield done, total
    with scope.transaction():
        _reseal_the_rest(scope)


def _reseal_row(scope: Scope, row_id: str) -> None:
    row = scope.session.get(Secret, row_id, with_for_update=True)
    if row is None:
        return
    place = Place(row.organization_id, row.provider, row.field)
    sealed = _sealed_again(scope.keys.sealer, row.sealed, place)
    if sealed is not None:
        row.sealed = sealed
        row.key_fingerprint = scope.keys.sealer.current
        flag_modified(row, "updated_at")  # as it is: nobody typed the secret again


def _reseal_the_rest(scope: Scope) -> None:
    """The TOTP secrets of users, and last the key check."""
    sealer = scope.keys.sealer
    for user in scope.session.scalars(_with_totp().with_for_update()):
        sealed = _sealed_again(sealer, user.totp_sealed or "", totp.place(user))
        if sealed is not None:
            user.totp_sealed = sealed
            flag_modified(user, "updated_at")
    row = scope.session.get_one(Installation, 1)
    row.key_check = sealer.seal(sealer.open(row.key_check, WORD), WORD)


def _sealed_again(sealer: Sealer, token: str, place: Place) -> str | None:
    """None where no key opens it: it stays as it is, and has to be entered again."""
    try:
        return sealer.seal(sealer.open(token, place), place)
    except SealBroken:
        return None


def _with_totp() -> Select[User]:
    return select(User).where(User.totp_sealed.is_not(None)).order_by(User.id)


def sealed_counts(scope: Scope) -> tuple[int, int]:
    """How many sealed values are stored, and how many of them no key opens."""
    sealer = scope.keys.sealer
    columns = (Secret.sealed, Secret.organization_id, Secret.provider, Secret.field)
    stored = [(sealed, Place(*place)) for sealed, *place in scope.session.execute(select(*columns))]
    owners = select(User.totp_sealed, User).options(load_only(User.id, User.organization_id))
    stored += [
        (sealed or "", totp.place(user))
        for sealed, user in scope.session.execute(owners.where(User.totp_sealed.is_not(None)))
    ]
    return len(stored), sum(_sealed_again(sealer, token, place) is None for token, place in stored)


def left_behind(scope: Scope) -> int:
    """How many secrets no key opens or the newest did not seal."""
    sealer = scope.keys.sealer
    query = select(func.count()).select_from(Secret)
    secrets_left = scope.session.scalar(query.where(Secret.key_fingerprint != sealer.current)) or 0
    tokens = [user.totp_sealed or "" for user in scope.session.scalars(_with_totp())]
    return secrets_left + sum(not sealer.is_current(token) for token in tokens)
