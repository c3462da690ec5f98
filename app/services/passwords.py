"""Passwords: argon2id, long, and not one that everybody tries."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 15
LONGEST = 256

_hasher = PasswordHasher()

_COMMON = ["password", "passw0rd", "pa55word", "letmein", "welcome", "qwerty", "qwertyuiop", "asdfgh", "asdfghjkl", "zxcvbn", "zxcvbnm", "iloveyou", "monkey", "dragon", "football", "baseball", "master", "sunshine", "princess", "shadow", "superman", "michael", "abc", "abcd", "abc123", "admin", "administrator", "root", "toor", "login", "access", "trustno1", "starwars", "whatever", "freedom", "hello", "charlie", "secret", "changeme", "default", "guest", "test", "qazwsx", "1q2w3e4r", "1qaz2wsx", "correcthorsebatterystaple", "patchbay"]
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
    if _is_common(password.casefold(), [word.casefold() for word in personal if len(word) > 2]):
        raise ValueError(
            "This is among the first that are tried. Use words that belong together only for you."
        )
    return password


def _is_common(password: str, personal: list[str]) -> bool:
    if len(set(password)) < 5 or any(password in run * 3 for run in _RUNS):
        return True
    rest = password
    for word in sorted([*_COMMON, *personal], key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(set(rest.strip("0123456789!@#$%^&*._- "))) < 4 and len(rest) < SHORTEST


def hashed(password: str) -> str:
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Takes as long for a user who does not exist (None) as for one who does."""
    try:
        return _hasher.verify(password_hash or _nobodys(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    return _hasher.hash("the password of nobody at all")
