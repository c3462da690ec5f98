"""Hashes of random tokens."""

from __future__ import annotations

import hashlib


def of_token(token: str) -> str:
    """Returns the SHA-256 of a token, in hex.

    A fast hash is safe for it: it has enough random bits that nothing is gained by trying values. A slow
    hash protects what people choose.
    """
    return hashlib.sha256(token.encode()).hexdigest()
