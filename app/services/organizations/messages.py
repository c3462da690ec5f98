"""Sentences about organizations."""

from __future__ import annotations

from app.core.texts import bidi_isolate
from app.services.messages import not_found

NOT_FOUND = not_found("organization")
COUNTRY = "Use a country's two-letter code, such as US or IN."
NAME_IN_USE = "Another organization of this name is being created. Try again."


def two_of_name(name: str) -> str:
    return f"Two organizations are called {bidi_isolate(name)}. Rename one of them first."
