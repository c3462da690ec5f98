"""Ids of rows: UUIDs, stored in lower case."""

from __future__ import annotations

import re

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def canonical(text: str) -> str:
    """Returns a UUID as it is stored: its letters may be in either case. Other texts stay as they are."""
    return text.lower() if _UUID.fullmatch(text) else text
