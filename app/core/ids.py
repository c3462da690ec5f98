"""Ids of rows: UUIDs, stored in lower case."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def canonical(text: str) -> str:
    """Returns a UUID in lower case, as it is stored; other texts unchanged."""
    return text.lower() if _UUID.fullmatch(text) else text
