"""Recovery codes for a lost authenticator: ten for a user, each valid for one sign-in."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, func, select, update

from app.core import clock, hashing
from app.models import RecoveryCode, User
from app.services import sql
from app.services.scope import Scope

COUNT = 10
FEW = 3
"""Pages show a warning if this many codes or fewer are left."""

LENGTH = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOKALIKES = str.maketrans("ilo", "110")


def _hash(code: str) -> str:
    return hashing.of_token(_canonical(code))


def _canonical(code: str) -> str:
    """Returns the code in canonical spelling: lower case, no separators, lookalikes replaced."""
    return code.lower().replace("-", "").replace(" ", "").translate(_LOOKALIKES)


def renew(scope: Scope, user: User) -> list[str]:
    """Replaces the user's codes, and returns the new ones, which cannot be read again."""
    remove(scope, user)
    codes = [_new_code() for _ in range(COUNT)]
    scope.session.add_all(RecoveryCode(user_id=user.id, code_hash=_hash(code)) for code in codes)
    scope.session.flush()
    return codes


def _new_code() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, LENGTH, 4))


def remove(scope: Scope, user: User) -> None:
    scope.require_transaction()
    scope.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def accept(scope: Scope, user: User, code: str) -> bool:
    """Marks a code as used. Returns True once for each code, even if two requests send it concurrently."""
    scope.require_transaction()
    if len(_canonical(code)) != LENGTH:
        return False
    is_it = _unused(user) & (RecoveryCode.code_hash == _hash(code))
    return bool(sql.run(scope, update(RecoveryCode).where(is_it).values(used_at=clock.now())))


def _unused(user: User) -> ColumnElement[bool]:
    return (RecoveryCode.user_id == user.id) & RecoveryCode.used_at.is_(None)


def remaining(scope: Scope, user: User) -> int:
    return scope.session.scalar(select(func.count()).where(_unused(user)).select_from(RecoveryCode)) or 0


def filter_valid(scope: Scope, user: User, codes: Iterable[str]) -> list[str]:
    """Returns those of the codes that are the user's and unused, in their original spelling."""
    unused_hashes = set(scope.session.scalars(select(RecoveryCode.code_hash).where(_unused(user))))
    return [code for code in codes if _hash(code) in unused_hashes]
