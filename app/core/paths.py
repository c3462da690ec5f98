"""Recognizes the paths of the API, whose responses are JSON and which have no session."""

from __future__ import annotations


def is_api(path: str) -> bool:
    """Whether the path is `/api`, or below it, however many slashes it starts with."""
    return f"/{path.lstrip('/')}/".startswith("/api/")
