"""Warns about plain HTTP from another machine: passwords and tokens can be read in transit."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, current_app, request

from app import peers
from app.core import paths

log = structlog.get_logger(__name__)

HEADER = "X-Patchbay-Warning"
WARNING = (
    "This request came over plain HTTP, so its token and the response can be read on the way. Use HTTPS."
)
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})


def init_app(app: Flask) -> None:
    app.jinja_env.globals["is_unencrypted"] = lambda: is_unencrypted(request.environ)
    app.extensions["patchbay_has_warned"] = False
    app.after_request(_warn)


def is_unencrypted(environ: dict[str, Any]) -> bool:
    """Whether the request came over plain HTTP from another machine.

    A proxy with TLS is trusted by `PATCHBAY_TRUSTED_PROXIES`.
    """
    if environ["wsgi.url_scheme"] != "http":
        return False
    host = environ.get("HTTP_HOST", "").rpartition(":")
    name = host[0] if host[2].isdigit() else "".join(host)
    return name not in LOCAL_HOSTS or not peers.is_loopback(peers.address(environ))


def _warn(response: Response) -> Response:
    """Adds a header to the response of the API, and logs a warning once per process."""
    if paths.is_api(request.path) and is_unencrypted(request.environ):
        response.headers[HEADER] = WARNING
        if not current_app.extensions["patchbay_has_warned"] and "Authorization" in request.headers:
            current_app.extensions["patchbay_has_warned"] = True
            log.warning("http.unencrypted", message="A token came over plain HTTP from another machine.")
    return response
