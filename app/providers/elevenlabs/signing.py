"""The signature of ElevenLabs' webhooks: `ElevenLabs-Signature: t=<unix seconds>,v0=<hex>`."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta

WINDOW = timedelta(minutes=30)
"""How far the time of a message may differ from the server's, in both directions."""
LONGEST_HEADER = 2000
_TIME = re.compile(r"[0-9]{1,12}", re.ASCII)


def header(secret: str, body: bytes, at: int) -> str:
    """Returns the signature header that ElevenLabs sends with a body."""
    return f"t={at},v0={_mac(secret, str(at), body)}"


def receipt(secret: str, value: str, body: bytes, now: int) -> str | None:
    """Returns the message's id in hex; None for a wrong signature or a time outside `WINDOW`.

    `value` is the header's: its parts may come in any order, and one valid `v0` is enough.
    """
    parts = [part.strip().partition("=") for part in value[:LONGEST_HEADER].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        return None
    expected = _mac(secret, times[0], body)
    signatures = [value.encode() for name, _, value in parts if name == "v0"]
    fits = [hmac.compare_digest(expected.encode(), mac) for mac in signatures]
    if not any(fits) or abs(now - int(times[0])) > WINDOW.total_seconds():
        return None
    return hashlib.sha256(f"{times[0]}.{expected}".encode()).hexdigest()


def _mac(secret: str, at: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hex()
