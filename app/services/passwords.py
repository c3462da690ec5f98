"""Passwords: argon2id, long, and not one that everybody tries."""

from __future__ import annotations

import re
import secrets
import string
from contextlib import AbstractContextManager, nullcontext
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.services.scope import Scope

SHORTEST = 15
LONGEST = 256

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""What OWASP's Password Storage Cheat Sheet recommends: 19 MiB, two passes, one thread."""

_COMMON = [
    "password",
    "passw0rd",
    "pa55word",
    "letmein",
    "welcome",
    "qwerty",
    "qwertyuiop",
    "asdfgh",
    "asdfghjkl",
    "zxcvbn",
    "zxcvbnm",
    "iloveyou",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "master",
    "sunshine",
    "princess",
    "shadow",
    "superman",
    "michael",
    "abc",
    "abcd",
    "abc123",
    "admin",
    "administrator",
    "root",
    "toor",
    "login",
    "access",
    "trustno1",
    "starwars",
    "whatever",
    "freedom",
    "hello",
    "charlie",
    "secret",
    "changeme",
    "default",
    "guest",
    "test",
    "qazwsx",
    "1q2w3e4r",
    "1qaz2wsx",
    "correcthorsebatterystaple",
    "patchbay",
]
_UNMISTAKEN = "abcdefghjkmnpqrstuvwxyz23456789"
_LOOKALIKES = str.maketrans("@$0", "aso")
_SEPARATORS = re.compile(rf"[\s{re.escape(string.punctuation)}]+")
_RUNS = (
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)


def check(password: str, *personal: str) -> str:
    """The password if it may be used; ValueError with a sentence. `personal` words do not count."""
    if len(password) < SHORTEST:
        raise ValueError(f"Use {SHORTEST} characters or more. A sentence is easy to remember.")
    if len(password) > LONGEST:
        raise ValueError(f"Use at most {LONGEST} characters.")
    words = [word.strip().casefold() for word in personal]
    if _is_common(password.casefold(), [word for word in words if len(word) > 2]):
        raise ValueError(
            "This is among the first that are tried. Use words that belong together only for you."
        )
    return password


def _is_common(password: str, personal: list[str]) -> bool:
    words = sorted([*_COMMON, *personal], key=len, reverse=True)
    read = password.translate(_LOOKALIKES)
    spellings = {password, _SEPARATORS.sub("", password), _SEPARATORS.sub("", read)}
    return any(_is_run(text) or _is_made_of(text, words) for text in spellings)


def _is_run(text: str) -> bool:
    return len(set(text)) < 5 or any(text in run * 3 for run in _RUNS)


def _is_made_of(text: str, words: list[str]) -> bool:
    """Whether hardly anything is left of the text without the words."""
    for word in words:
        text = text.replace(word, "")
    return len(set(text.strip("0123456789!@#$%^&*._- "))) < 4 and len(text) < SHORTEST


def generated() -> str:
    """99 random bits that can be read out on the phone."""
    letters = "".join(secrets.choice(_UNMISTAKEN) for _ in range(20))
    return "-".join(letters[start : start + 5] for start in range(0, 20, 5))


def slot(scope: Scope, *, reserved: bool = True) -> AbstractContextManager[None]:
    """To be held while a password is hashed, which takes a core. Busy at once if too many are.

    The reserved slot is for people who are known: strangers cannot use up all of them.
    """
    return scope.hashing.taken(reserved=reserved) if scope.hashing else nullcontext()


def expect_slot(scope: Scope, *, reserved: bool) -> None:
    """Busy if there is no slot now, before anything is looked up in vain."""
    if scope.hashing:
        scope.hashing.expect_free(reserved=reserved)


def hashed(password: str) -> str:
    return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than those of today."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def decoy() -> str:
    """A hash that no password matches, as far as anyone knows."""
    return _hasher.hash(secrets.token_urlsafe())
