"""Entity tags: what a document was when it was read."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def of(document: Any) -> str:
    """The strong tag of a JSON document, without its quotes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
