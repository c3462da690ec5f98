"""Hashes of random tokens."""

from __future__ import annotations

import hashlib


def of_token(token: str) -> str:
    """Returns the SHA-256 of a token, in hex.

    A fast hash is safe here, since a token has too many random bits to guess. Passwords, which people choose,
    need a slow one.
    """
    return hashlib.sha256(token.encode()).hexdigest()
