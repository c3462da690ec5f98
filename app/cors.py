"""Cross-origin requests (CORS): pages of configured origins may call the dialer's operations with a token.

Credentials are never allowed: the API reads no cookies, and a page must have its own token.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request

from app import context
from app.config import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SHARED = re.compile(r"/api/(calls/.*|me|settings/endpoints/resolve)")
EXPOSED = "ETag, Link, Location, Retry-After, X-Request-Id"
ACCEPTED = "Authorization, Content-Type, If-Match, If-None-Match"
PREFLIGHT_SECONDS = "3600"


def headers_for(origins: Collection[str], origin: str | None, path: str) -> list[tuple[str, str]]:
    """Returns the headers of a response to a page of `origin`, given the configured `origins`.

    `Vary` is the same for every caller, so that no cache passes one origin's response to another.
    """
    if not origins or not SHARED.fullmatch(path):
        return []
    vary = ("Vary", "Origin")
    if origin is None or origin not in origins:
        return [vary]
    return [vary, ("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", EXPOSED)]


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(_respond_to_preflight)
    app.wsgi_app = _with_headers(app.wsgi_app, settings.cors_origins)  # type: ignore[assignment, method-assign]


def _with_headers(answer: WSGIApplication, origins: Collection[str]) -> WSGIApplication:
    """Adds the headers to every response, errors included: a page must be able to read them."""

    def run(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            own = headers_for(origins, environ.get("HTTP_ORIGIN"), environ["PATH_INFO"])
            return start_response(status, headers + own, *rest)

        return answer(environ, start)

    return run


def _respond_to_preflight() -> Response | None:
    """Returns the response to a preflight request, with the path's methods; None for others.

    Browsers send no token in it.
    """
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
        return None
    methods = getattr(request.routing_exception, "valid_methods", None)
    origin = request.headers.get("Origin")
    if not methods or origin not in context.settings().cors_origins or not SHARED.fullmatch(request.path):
        return None
    response = Response(status=204)
    del response.headers["Content-Type"]
    response.headers["Access-Control-Allow-Methods"] = ", ".join(sorted(methods))
    response.headers["Access-Control-Allow-Headers"] = ACCEPTED
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_SECONDS
    return response
