"""Finds a secret wherever it has got to, in whatever spelling."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

SHORTEST = 12


@cache
def spellings(secret: str) -> frozenset[bytes]:
    """Raw, escaped for JSON, HTML and URLs, in hex, and in base64 at each of its three alignments."""
    assert len(secret) >= SHORTEST
    raw = secret.encode()
    texts = {
        secret,
        html.escape(secret),
        json.dumps(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        raw.hex(),
    }
    return frozenset(text.encode() for text in texts) | _in_base64(raw)


def _in_base64(raw: bytes) -> frozenset[bytes]:
    """What of it is the same whatever stands before and after."""
    pieces = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            encoded = encode(b"\0" * before + raw)
            whole = len(before * b"\0" + raw) // 3 * 4
            pieces.add(encoded[-(-before * 8 // 6) : whole])
    return frozenset(pieces)


def found_in(content: bytes, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that are in it."""
    return [name for name, secret in secrets.items() if any(s in content for s in spellings(secret))]


def found_in_files(files: Iterable[Path], secrets: Mapping[str, str]) -> list[str]:
    return [f"{path.name}: {name}" for path in files for name in found_in(path.read_bytes(), secrets)]
