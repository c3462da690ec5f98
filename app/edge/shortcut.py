"""Responds to dialers on the event loop: without a thread, and without Flask.

Only Flask makes responses. This module stores what each depends on (`context.MADE_OF`): the token, its
default provider, and the headers that it depends on. A response is sent again only if the token has the same
default now. Flask responds to everything else: other requests, other headers, unknown tokens.
"""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any, NamedTuple, TypeVar

from flask import Flask

from app import context
from app.edge.response import Response
from app.metrics import responses
from app.services.access.tokens import Signed
from app.services.providers.dialer_defaults import Default, Defaults

Scope = MutableMapping[str, Any]
Key = TypeVar("Key")
Value = TypeVar("Value")

ROUTE = "/api/calls/providers"
_RAW_ROUTE = ROUTE.encode()
MOST_TOKENS = 50_000
MOST_RESPONSES = 4_000
LARGEST = 2_000
"""Bytes of the headers of one request that are remembered."""

_READ = frozenset(
    {
        *(b"if-none-match", b"origin", b"accept-encoding", b"host", b"forwarded"),
        *(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"),
        *(b"x-forwarded-prefix", b"x-real-ip", b"via"),
    }
)
"""Headers that a response may depend on. It does not depend on others."""
_FOR_FLASK = frozenset({b"content-length", b"transfer-encoding", b"content-encoding", b"range", b"expect"})


class Dependencies(NamedTuple):
    """The parts of a request that decide the response, apart from the token."""

    headers: tuple[tuple[bytes, bytes], ...]
    client: str
    scheme: str


class Shortcut:
    def __init__(self, app: Flask) -> None:
        self._extensions = app.extensions
        self._defaults: Defaults = app.extensions["patchbay_dialer_defaults"]
        self._tokens: dict[bytes, Signed] = {}
        self._responses: dict[tuple[Dependencies, Default], Response] = {}

    async def find(self, scope: Scope) -> Response | None:
        """Returns the response that Flask would make; None if it is not known."""
        begin = time.perf_counter()
        authorization, dependencies = _read(scope)
        signed = self._tokens.get(authorization)
        if dependencies is None or signed is None or time.time() >= signed.until:
            return None
        default = await self._defaults.look_up(signed.token_id)
        response = self._responses.get((dependencies, default)) if default else None
        if response is not None:
            self._extensions["patchbay_token_used"](signed.token_id)
            responses.count("GET", ROUTE, response.status, time.perf_counter() - begin)
        return response

    def remember(self, scope: Scope, environ: dict[str, Any], response: Response) -> None:
        if response.status not in (200, 304) or context.MADE_OF not in environ:
            return
        authorization, dependencies = _read(scope)
        if dependencies is not None:
            signed, default = environ[context.MADE_OF]
            _store(self._tokens, authorization, signed, MOST_TOKENS)
            self._defaults.expect(signed.token_id)
            _store(self._responses, (dependencies, default), response, MOST_RESPONSES)


def _store(cache: dict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Stores a value, and removes the oldest if there are `most`.

    A cache that orders its entries by use is much slower to read.
    """
    if len(cache) >= most and key not in cache:
        del cache[next(iter(cache))]
    cache[key] = value


def _read(scope: Scope) -> tuple[bytes, Dependencies | None]:
    """Returns the Authorization header, and the dependencies: None if Flask must respond."""
    if scope["raw_path"] != _RAW_ROUTE or scope["query_string"] or scope["method"] != "GET":
        return b"", None
    authorization, headers, size = b"", [], 0
    for header in scope["headers"]:
        name, value = header
        if name == b"authorization":
            if authorization:
                return b"", None
            authorization = value
            size += len(value)
        elif name in _READ:
            headers.append(header)
            size += len(value)
        elif name in _FOR_FLASK:
            return b"", None
    if size > LARGEST:
        return b"", None
    return authorization, Dependencies(tuple(headers), scope["client"][0], scope["scheme"])
