"""Security headers, and the rejection of cross-site requests."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request

from app.config import Settings
from app.core import paths
from app.core.errors import Forbidden

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_UNUSED = (
    *("accelerometer", "autoplay", "camera", "clipboard-read", "display-capture", "encrypted-media"),
    *("gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer"),
    *("microphone", "midi", "payment", "picture-in-picture", "screen-wake-lock", "serial", "storage-access"),
    *("usb", "web-share", "xr-spatial-tracking"),
)
"""Browser features that no page uses. Copying (clipboard-write) is allowed."""

HEADERS = [
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
]
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in _UNUSED)
"""Sent with documents only, the only responses in which browsers read it. It is long."""
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def csp_nonce() -> str:
    """Returns the nonce of the response's scripts and styles; "" after `is_for_everyone`."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def is_for_everyone() -> None:
    """Sends the response to this request without a nonce, so that caches can store it."""
    g.csp_nonce = ""


def init_app(app: Flask, _settings: Settings) -> None:
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.before_request(_refuse_cross_site)
    app.after_request(_add_policy)
    app.wsgi_app = _with_headers(app.wsgi_app)  # type: ignore[assignment, method-assign]


def _with_headers(answer: WSGIApplication) -> WSGIApplication:
    """Adds the headers that every response has."""

    def run(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, headers + HEADERS, *rest)

        return answer(environ, start)

    return run


def _refuse_cross_site() -> None:
    if request.headers.get("Sec-Fetch-Site") != "cross-site" or paths.is_api(request.path):
        return
    if request.method not in SAFE or request.headers.get("Sec-Fetch-Mode") != "navigate":
        raise Forbidden("Cross-site requests are not allowed.")


def _add_policy(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _page_policy(csp_nonce())
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        response.vary.add("HX-Request")
        if not paths.is_api(request.path):
            response.vary.add("Cookie")
    elif "Content-Security-Policy" not in response.headers and request.endpoint != "static":
        response.headers["Content-Security-Policy"] = API_POLICY
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def _page_policy(nonce: str) -> str:
    scripts, styles = (f"'nonce-{nonce}'", f"'self' 'nonce-{nonce}'") if nonce else ("'self'", "'self'")
    return (
        "default-src 'none'; "
        f"script-src {scripts}; style-src {styles}; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
