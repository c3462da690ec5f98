"""A valid sample value for any declared field."""

from __future__ import annotations

import re
from typing import Any

from app.provider import Count, Field, PhoneNumber, ServiceHost, Text, WebAddress

PATTERN = re.compile(r"(?P<head>[A-Z]*)(?P<any>\[A-Z\]\{2\})?\[0-9A-Za-z\]\{(?P<length>\d+)\}")


def sample(field: Field) -> Any:
    if isinstance(field, Count):
        return field.default or field.least
    if isinstance(field, PhoneNumber):
        return "+15551234567"
    if isinstance(field, ServiceHost):
        return field.choices[-1]
    if isinstance(field, WebAddress):
        return f"https://{field.name.replace('_', '-')}.example.com/sample"
    if isinstance(field, Text) and field.pattern:
        return _matching(field.pattern)
    return f"sample-{field.name.replace('_', '-')}-0001"


def _matching(pattern: str) -> str:
    """Of the patterns in use: letters, then so many letters or digits."""
    parts = PATTERN.fullmatch(pattern)
    assert parts, f"Teach tests/support/samples.py the pattern {pattern}."
    head = parts["head"] + ("MG" if parts["any"] else "")
    return head + "0" * int(parts["length"])
