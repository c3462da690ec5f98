"""Entity tags: what a document was when it was read."""

from __future__ import annotations

import hashlib
from typing import Any

from app.core import strict_json


def of(document: Any) -> str:
    """The strong tag of a JSON document, without its quotes."""
    return of_text(strict_json.text(document))


def of_text(text: str) -> str:
    """As `of`, for a document that is JSON text already."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
