"""A cookie with the users who signed in with this browser, so that an attacker cannot lock them out.

It grants no access: attempts with it have a limit of their own. See docs/decisions/0008-sign-in-limits.md.
"""

from __future__ import annotations

import secrets
from typing import Any

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from app.services.access.sign_in_limits import KnownBrowsers

COOKIE = "__Host-patchbay-browser"
LIFE_SECONDS = 400 * 24 * 3600
"""The longest time that browsers keep a cookie."""
MOST_USERS = 20


def read() -> KnownBrowsers:
    """Returns this browser's id for each user who signed in with it, by the user's id."""
    browser, user_ids = _stored()
    return dict.fromkeys(user_ids, browser)


def remember(user_id: str) -> None:
    """Adds the user to the browser that sent this request."""
    browser, user_ids = _stored()
    others = [other for other in user_ids if other != user_id]
    value = _serializer().dumps([browser, [*others, user_id][-MOST_USERS:]])

    @after_this_request
    def set_cookie(response: Response) -> Response:
        response.set_cookie(
            COOKIE, value, max_age=LIFE_SECONDS, path="/", secure=True, httponly=True, samesite="Strict"
        )
        return response


def _stored() -> tuple[str, list[str]]:
    try:
        stored: Any = _serializer().loads(request.cookies.get(COOKIE, ""))
    except BadSignature:
        return secrets.token_urlsafe(16), []
    browser, user_ids = stored
    return browser, user_ids


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="known browser")
