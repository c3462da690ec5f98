"""A response on its way to the client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.edge.spool import Spool

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Response:
    status: int
    headers: Headers
    body: bytes | Spool


def encoded(headers: Iterable[tuple[str, str]]) -> Headers:
    """Returns WSGI headers encoded for ASGI."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
