"""Forged tokens."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from flask import Flask


def encode(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Forge:
    """Makes tokens from the parts of one that works, signed with the real key or with another."""

    def __init__(self, app: Flask, token: str) -> None:
        self.key = app.extensions["patchbay"].jwt[0].encode()
        self.header, self.claims = map(decode, token.split(".")[:2])

    def sign(
        self,
        header: Any = None,
        claims: Any = None,
        *,
        key: bytes | None = None,
        digest: str = "sha256",
    ) -> str:
        head = encode(self.header if header is None else header)
        text = f"{head}.{encode(self.claims if claims is None else claims)}"
        signature = hmac.new(self.key if key is None else key, text.encode(), digest).digest()
        return f"{text}.{encode(signature)}"

    def with_claims(self, **changed: Any) -> str:
        """A change to None leaves the claim out."""
        claims = {k: v for k, v in (self.claims | changed).items() if v is not None}
        return self.sign(claims=claims)

    def with_header(self, **changed: Any) -> str:
        return self.sign(header=self.header | changed)
