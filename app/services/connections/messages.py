"""Sentences about connections."""

from __future__ import annotations

from collections.abc import Sequence


def not_configured(label: str, missing: Sequence[str]) -> str:
    return f"{label} is not configured. It needs {', '.join(missing)}."
