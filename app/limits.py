"""Limits the size of a request's body: a low limit without a session or an API token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from werkzeug.exceptions import HTTPException

from app.core import paths
from app.core.errors import PatchbayError
from app.edge.bodies import Limit
from app.services.access import tokens
from app.services.scope import Keys

ANONYMOUS = 8_000
KNOWN = 1_000_000


def limit_of(app: Flask) -> Callable[[dict[str, Any]], Limit]:
    """Returns a function that returns a request's limit, from its WSGI environment."""

    def limit(environ: dict[str, Any]) -> Limit:
        request = app.request_class(environ)
        view = _view(app, request)
        if _is_known(app, request):
            return Limit(getattr(view, "largest_body", None) or KNOWN, is_known=True)
        return Limit(getattr(view, "largest_anonymous_body", None) or ANONYMOUS, is_known=False)

    return limit


def _view(app: Flask, request: Request) -> Any:
    try:
        endpoint, _ = app.create_url_adapter(request).match()  # type: ignore[union-attr]
    except HTTPException:
        return None
    return app.view_functions.get(endpoint)


def _is_known(app: Flask, request: Request) -> bool:
    """Whether the request has a signed session cookie, or a signed token.

    Whether these are still valid is checked later, with the database.
    """
    if not paths.is_api(request.path):
        return "_user_id" in (app.session_interface.open_session(app, request) or {})
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    keys: Keys = app.extensions["patchbay"]
    try:
        tokens.verify(keys, token.strip())
    except PatchbayError:
        return False
    return scheme.lower() == "bearer"
