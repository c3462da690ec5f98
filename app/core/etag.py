"""Entity tags (ETag), by which clients name the version of a document that they have read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from app.core import strict_json
from app.core.errors import Stale

Condition: TypeAlias = Callable[[str], bool] | None
"""A test of whether a document with this tag may be changed, by If-Match and If-None-Match; None without."""


PATTERN = r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'
"""The pattern of If-Match, for OpenAPI."""
_TAG = r'(W/)?"[^\x00-\x20"\x7f]*"'
_TAGS = re.compile(rf"[ \t]*\*[ \t]*|[ \t,]*({_TAG}([ \t]*,[ \t,]*{_TAG})*)?[ \t,]*")
"""A list of tags as RFC 9110 permits recipients to accept it: with empty elements too."""


def is_list(header: str) -> bool:
    """Whether the header is `*`, or a list of entity tags, which are in quotes."""
    return _TAGS.fullmatch(header) is not None


def of(document: Any) -> str:
    """Returns the strong tag of a JSON document, without its quotes."""
    return of_text(strict_json.text(document))


def of_text(text: str) -> str:
    """Returns the tag that `of` returns, for a document that is JSON text already."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def versioned(version: int, document: Any) -> str:
    """Returns the tag of a row's document: its version, which a save compares, and a digest.

    The digest also covers values from other rows: if they change, an earlier copy is not current.
    """
    return f"{version}-{of(document)[:12]}"


def expect(condition: Condition, read: Callable[[], Any]) -> None:
    """Raises Stale unless the condition holds for the document that `read` returns."""
    if condition is not None and not condition(of(read())):
        raise Stale
