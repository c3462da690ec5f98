"""Sentences about connections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def not_configured(label: str, missing: Sequence[str]) -> str:
    return f"{label} is not configured. It needs {', '.join(missing)}."


ONLY_A_HINT = "These are the last four characters, as pages show them. Send the whole value, or omit it."
ANOTHER_HOST = "The service URL changes, so re-enter this secret (or clear it)."


def unknown_provider(key: str, known_keys: Iterable[str]) -> str:
    return f"Provider {key!r} not found. Use {' or '.join(known_keys)}."


def accepted(label: str) -> str:
    return f"{label} accepts the credentials."


def changed_since(labels: Iterable[str]) -> str:
    return f"Changed since the last test: {', '.join(labels)}."


def needed_to_test(label: str) -> str:
    return f"Enter the {label} to test the connection."


def cannot_verify(label: str) -> str:
    return f"{label} connections can't be tested from Patchbay."
