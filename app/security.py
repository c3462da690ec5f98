"""Headers on every answer, and requests that no page of ours sends."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from app.config import Settings
from app.core.errors import Forbidden

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def csp_nonce() -> str:
    """The nonce of this answer's scripts and styles."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def init_app(app: Flask, _settings: Settings) -> None:
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.before_request(_refuse_cross_site)
    app.after_request(_add_headers)


def _refuse_cross_site() -> None:
    if request.headers.get("Sec-Fetch-Site") != "cross-site" or request.path.startswith("/api/"):
        return
    if request.method not in SAFE or request.headers.get("Sec-Fetch-Mode") != "navigate":
        raise Forbidden("This request came from another site, and was refused.")


def _add_headers(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _page_policy(csp_nonce())
        response.vary.add("HX-Request")
        response.vary.add("Cookie")
    elif "Content-Security-Policy" not in response.headers and request.endpoint != "static":
        response.headers["Content-Security-Policy"] = _API_POLICY
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _page_policy(nonce: str) -> str:
    return (
        "default-src 'none'; "
        f"script-src 'nonce-{nonce}'; "
        f"style-src 'self' 'nonce-{nonce}'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
