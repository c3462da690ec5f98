"""The encryption keys of an installation: checking them at the start, and rotating them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app.core.sealing import Place, SealBroken, Sealer
from app.models import Installation, Secret, User
from app.services.access import totp
from app.services.audit import chain, log
from app.services.audit.actions import Action
from app.services.audit.chain import KEY_CHECK
from app.services.installation import messages
from app.services.notifications import sealed
from app.services.scope import Scope

_EARLIER_KEY = "This opens with the right key."


class KeyMismatch(Exception):
    """The database was encrypted with a key that is not among the configured ones."""


def check_keys(session: Session, sealer: Sealer) -> None:
    """Raises KeyMismatch if no configured key decrypts the database's key check.

    A new database has none. It runs before migrations, so it reads only a column that every version has.
    """
    key_check = session.scalar(select(Installation.key_check))
    if key_check is None:
        return
    try:
        sealer.open(key_check, KEY_CHECK)
    except SealBroken:
        raise KeyMismatch(messages.KEY_MISMATCH) from None


def prepare(scope: Scope) -> None:
    """Stores an encrypted random audit key in a new database.

    Raises KeyMismatch if another key encrypted one. Adds the chains' records to an installation that is
    older than they are, and replaces the audit key of the first versions, which was not secret.
    """
    sealer = scope.keys.sealer
    with suppress(IntegrityError), scope.transaction():
        row = scope.session.scalar(select(Installation).with_for_update())
        key = _new_key() if row is None else _chain_key(sealer, row)
        if key and not key.has_records:
            key_check = sealer.seal(chain.seal_all(scope.session, key).sealed_text(), KEY_CHECK)
            row = row or Installation(id=1)
            row.key_check = key_check
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


def reseal(scope: Scope) -> Iterator[tuple[int, int]]:
    """Encrypts every secret again with the newest key.

    Yields (done, total) for the secrets of providers. Each row has a transaction of its own, so that a
    rotation can be stopped at any point and restarted.
    """
    sealer = scope.keys.sealer
    stale = select(Secret.id).where(Secret.key_fingerprint != sealer.current)
    total = scope.session.scalar(select(func.count()).select_from(stale.subquery())) or 0
    for done, row_id in enumerate(list(scope.session.scalars(stale)), start=1):
        with scope.transaction():
            _reseal_row(scope, row_id)
        yield done, total
    for _ in sealed.reseal(scope):
        pass
    with scope.transaction():
        _reseal_totp_and_key_check(scope)
        log.note(replace(scope, organization_or_none=None), Action.KEYS_ROTATED, "keys")


def _reseal_row(scope: Scope, row_id: str) -> None:
    row = scope.session.get(Secret, row_id, with_for_update=True)
    if row is None:
        return
    place = Place(row.organization_id, row.provider, row.field)
    token = resealed(scope.keys.sealer, row.sealed, place)
    if token is not None:
        row.sealed = token
        row.key_fingerprint = scope.keys.sealer.current
        flag_modified(row, "updated_at")  # Keeps the old value: the secret itself is the same.


def _reseal_totp_and_key_check(scope: Scope) -> None:
    """Encrypts the TOTP secrets of users again, and last the key check."""
    sealer = scope.keys.sealer
    for user in scope.session.scalars(_with_totp().with_for_update()):
        token = resealed(sealer, user.totp_sealed or "", totp.place(user))
        if token is not None:
            user.totp_sealed = token
            flag_modified(user, "updated_at")
    row = scope.session.get_one(Installation, 1)
    row.key_check = sealer.seal(sealer.open(row.key_check, KEY_CHECK), KEY_CHECK)


def resealed(sealer: Sealer, token: str, place: Place) -> str | None:
    """Returns the token encrypted again; None if no key decrypts it."""
    try:
        return sealer.seal(sealer.open(token, place), place)
    except SealBroken:
        return None


def _with_totp() -> Select[User]:
    return select(User).where(User.totp_sealed.is_not(None)).order_by(User.id)


def unrotated_count(scope: Scope) -> int:
    """Returns how many secrets an older key encrypted, or no key decrypts."""
    sealer = scope.keys.sealer
    query = select(func.count()).select_from(Secret)
    secrets_left = scope.session.scalar(query.where(Secret.key_fingerprint != sealer.current)) or 0
    tokens = [user.totp_sealed or "" for user in scope.session.scalars(_with_totp())]
    secrets_left += sealed.unrotated_count(scope)
    return secrets_left + sum(not sealer.is_current(token) for token in tokens)
