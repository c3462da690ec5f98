"""Sealing of secrets at rest.

Fernet has no associated data, so the sealed payload names the place that it belongs to, and opening
it anywhere else fails.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

FINGERPRINT_LENGTH = 16
HINT_LENGTH = 4


class SealBroken(Exception):
    """The token was altered, moved to another place, or sealed with a key that is missing here."""


@dataclass(frozen=True)
class Place:
    """The field that a secret belongs to. A token opens only in the place that it was sealed for."""

    organization_id: str
    provider: str
    field: str


def fingerprint(key: str) -> str:
    """Returns 16 hex digits that identify a key without revealing it."""
    return hashlib.sha256(b"patchbay-key:" + key.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def hint(secret: str) -> str:
    """Returns the last four characters; none if they would be a large part of the secret."""
    return secret[-HINT_LENGTH:] if len(secret) >= 4 * HINT_LENGTH else ""


def is_fernet_key(key: str) -> bool:
    """Whether the key is 32 unguessable bytes in URL-safe base64."""
    try:
        raw = base64.urlsafe_b64decode(key.encode())
    except ValueError:
        return False
    steps = {(after - before) % 256 for before, after in pairwise(raw)}
    return len(raw) == 32 and len(set(raw)) > 8 and len(steps) > 8


class Sealer:
    """Seals with the first of `keys`, opens with any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.fingerprints = tuple(fingerprint(key) for key in keys)
        self._newest = Fernet(keys[0])
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @property
    def current(self) -> str:
        """The fingerprint of the key that seals."""
        return self.fingerprints[0]

    def seal(self, secret: str, place: Place) -> str:
        payload = [place.organization_id, place.provider, place.field, secret]
        return self._fernet.encrypt(json.dumps(payload, ensure_ascii=False).encode()).decode()

    def open(self, token: str, place: Place) -> str:
        """Returns the secret. Raises SealBroken if the token does not open in this place."""
        try:
            *sealed_for, secret = json.loads(self._fernet.decrypt(token.encode()))
        except InvalidToken:
            raise SealBroken("the token does not open with any of the keys") from None
        if sealed_for != [place.organization_id, place.provider, place.field]:
            raise SealBroken("the token was sealed for another place")
        return str(secret)

    def is_current(self, token: str) -> bool:
        """Whether the newest key sealed the token."""
        try:
            self._newest.decrypt(token.encode())
        except InvalidToken:
            return False
        return True
