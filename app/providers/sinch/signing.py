"""The signature of Sinch's voice API: on requests to it, and on its callbacks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re


def signature(
    secret: str, *, method: str, path: str, timestamp: str, content_type: str, body: bytes = b""
) -> str:
    """Returns the value after `key:` in Authorization. `path` has no host and no query."""
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode() if body else ""
    text = "\n".join((method.upper(), digest, content_type, f"x-timestamp:{timestamp}", path))
    mac = hmac.digest(decoded(secret), text.encode(), hashlib.sha256)
    return base64.b64encode(mac).decode()


def decoded(secret: str) -> bytes:
    """Decodes base64 of either alphabet, with or without padding, and ignores other characters."""
    text = re.sub(r"[^A-Za-z0-9+/]", "", secret.translate(str.maketrans("-_", "+/")))
    if len(text) % 4 == 1:
        text = text[:-1]
    return base64.b64decode(text + "=" * (-len(text) % 4))
