"""Password rules, and hashing with argon2id."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import JsonValue

from app.core import computing, strength, texts
from app.services.access import messages
from app.services.scope import Scope

SHORTEST = 15
LONGEST = 256
SCHEMA: dict[str, JsonValue] = {
    "format": "password",
    "minLength": SHORTEST,
    "maxLength": LONGEST,
    "pattern": texts.WITHOUT_NUL,
}
"""The JSON schema of a new password, for OpenAPI."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""The parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one thread."""

FEWEST_GUESSES = 12
"""How many guesses a password must withstand, as a power of ten."""


def check(password: str, *personal: str) -> str:
    """Returns the password.

    Raises ValueError, with a sentence, if it is too short, too long or guessable. The `personal` words,
    such as the user's name, add nothing to its strength.
    """
    if len(password) < SHORTEST:
        raise ValueError(messages.password_too_short(SHORTEST))
    if len(password) > LONGEST:
        raise ValueError(messages.password_too_long(LONGEST))
    if problem := _why_guessable(password, personal):
        raise ValueError(messages.easy_to_guess(problem))
    return password


def _why_guessable(password: str, personal: Iterable[str]) -> str | None:
    whole, part = strength.plain(password), strength.repeated_part(password)
    if strength.is_listed(password):
        return messages.COMMON_PASSWORD
    if part != whole and (len(part) < SHORTEST or _is_guessable(part, personal)):
        return messages.REPEATED_PASSWORD
    if _is_guessable(password, personal):
        return messages.GUESSABLE_PASSWORD
    return None


def _is_guessable(text: str, personal: Iterable[str]) -> bool:
    words = [
        word for each in personal for word in (each, strength.plain(each), *each.split()) if len(word) > 2
    ]
    return strength.is_listed(text) or strength.log10_guesses(text, [*words, "patchbay"]) < FEWEST_GUESSES


def slot(scope: Scope, *, reserved: bool = True) -> AbstractContextManager[None]:
    """Returns a context that occupies a slot for hashing, which uses a whole core.

    Raises Busy if all are in use. The reserved slot is for known users, so that unauthenticated requests
    cannot occupy all of them.
    """
    return scope.hashing.taken(reserved=reserved) if scope.hashing else nullcontext()


def expect_slot(scope: Scope, *, reserved: bool) -> None:
    """Raises Busy if no slot is free now, before the request queries anything."""
    if scope.hashing:
        scope.hashing.expect_free(reserved=reserved)


def hash_password(password: str) -> str:
    with computing.paused():
        return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    try:
        with computing.paused():
            return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def decoy() -> str:
    """Returns the hash of a random password that is not stored."""
    return _hasher.hash(secrets.token_urlsafe())
