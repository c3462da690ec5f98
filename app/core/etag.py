"""Entity tags: what a document was when it was read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from app.core import strict_json
from app.core.errors import Stale

Condition: TypeAlias = Callable[[str], bool] | None
"""Whether what has the tag may be changed, as If-Match and If-None-Match say; None if they are not sent."""


PATTERN = r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'
"""Of If-Match, for OpenAPI."""
_TAG = r'(W/)?"[^\x00-\x20"\x7f]*"'
_TAGS = re.compile(rf"[ \t]*\*[ \t]*|[ \t,]*({_TAG}([ \t]*,[ \t,]*{_TAG})*)?[ \t,]*")
"""What RFC 9110 permits recipients to accept: empty elements too."""


def is_list(header: str) -> bool:
    """Whether it is a list of entity tags, which are in quotes, or `*`."""
    return _TAGS.fullmatch(header) is not None


def of(document: Any) -> str:
    """The strong tag of a JSON document, without its quotes."""
    return of_text(strict_json.text(document))


def of_text(text: str) -> str:
    """As `of`, for a document that is JSON text already."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def versioned(version: int, document: Any) -> str:
    """Returns the tag of a row's document: it begins with the version, which a change compares.

    The rest changes with what the document has from elsewhere, so that an earlier copy of it is not current.
    """
    return f"{version}-{of(document)[:12]}"


def expect(condition: Condition, read: Callable[[], Any]) -> None:
    """Raises Stale unless the condition holds for the document that `read` returns."""
    if condition is not None and not condition(of(read())):
        raise Stale
