"""The response of a provider, and the error if there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeAlias

from app.core import strict_json
from app.core.errors import Malformed
from app.core.outbound import messages

Code: TypeAlias = Literal[
    "refused_address",
    "dns",
    "connect",
    "tls",
    "timeout",
    "too_large",
    "redirect",
    "not_json",
    "busy",
    "refused",
]
_SECONDS = re.compile(r"[0-9]+")


class OutboundError(Exception):
    """There is no usable response. The message is a sentence for users."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Answer:
    """A response of any status. `headers` is case-insensitive."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    host: str = messages.PROVIDER

    def json(self) -> Any:
        """Returns the parsed body. Raises OutboundError `not_json`; see `strict_json.parse`."""
        try:
            return strict_json.parse(self.body)
        except Malformed:
            raise OutboundError("not_json", messages.not_json(self.host)) from None


def retry_after(text: str) -> float:
    """Returns the seconds of a Retry-After header, a number or a date; 0 if it is neither."""
    if _SECONDS.fullmatch(text.strip()):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
