"""Repeats refusals of sign-ins, so that further attempts do not occupy Flask."""

from __future__ import annotations

import time
from typing import TypeAlias

from cachetools import TTLCache

from app import context
from app.core.slots import Slots
from app.edge.environ import Environ
from app.edge.response import Response
from app.metrics import responses
from app.services.access import sign_in_limits

SIGN_IN = "/api/auth/login"
_CLIENT = (
    *("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST"),
    *("HTTP_HOST", "HTTP_ORIGIN", "HTTP_ACCEPT_ENCODING"),
)
"""Keys that decide a client's address, and headers that the refusal depends on."""

MOST_CLIENTS = 10_000
SECONDS = 2.0

Key: TypeAlias = tuple[str, ...]


class SignIns:
    """Refused sign-ins of the API. A page's form needs Flask, which shows it again with the values."""

    def __init__(self, hashing: Slots) -> None:
        self._hashing = hashing
        self._refusals: TTLCache[Key, Response] = TTLCache(MOST_CLIENTS, SECONDS, time.monotonic)

    def find(self, request: Environ) -> Response | None:
        """Returns the refusal that the client received just now, if its reason still applies; else None."""
        if not _is_sign_in(request):
            return None
        response = self._refusals.get(_key(request))
        if response is None or (response.status == 503 and self._hashing.has_free()):
            return None
        responses.count("POST", SIGN_IN, response.status, None)
        return response

    def remember(self, request: Environ, response: Response) -> None:
        is_limited = request.get(context.LIMITED_BY, "").startswith(sign_in_limits.ADDRESS)
        if _is_sign_in(request) and (response.status == 503 or is_limited):
            self._refusals[_key(request)] = response


def _is_sign_in(request: Environ) -> bool:
    return (request["REQUEST_METHOD"], request["PATH_INFO"]) == ("POST", SIGN_IN)


def _key(request: Environ) -> Key:
    return tuple(request.get(name, "") for name in _CLIENT)
