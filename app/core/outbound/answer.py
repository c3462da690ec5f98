"""What a request to a provider came to: an answer, or why there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeAlias

from app.core import strict_json
from app.core.errors import Malformed

Code: TypeAlias = Literal[
    "refused_address", "dns", "connect", "tls", "timeout", "too_large", "redirect", "not_json", "busy"
]
_SECONDS = re.compile(r"[0-9]+")


class OutboundError(Exception):
    """The provider gave no answer that can be used.

    The message is a sentence for a page: it names the host, never a path, query, header or body.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Answer:
    """What a provider answered, whatever the status; `headers` are found in any case of letters."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    host: str = "The provider"

    def json(self) -> Any:
        """The body's value, or OutboundError `not_json`. Strict: see `jsontext.parse`."""
        try:
            return strict_json.parse(self.body)
        except Malformed:
            raise OutboundError("not_json", f"{self.host} answered something that is not JSON.") from None


def retry_after(text: str) -> float:
    """Seconds from now, of either form that HTTP has; 0 where it is neither."""
    if _SECONDS.fullmatch(text.strip()):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
