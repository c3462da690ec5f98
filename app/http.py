"""Flask's configuration, the portal's sessions, and the hooks before every request."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Request, Response, abort, current_app, g, request
from flask.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from app import limits, links
from app.config import Settings
from app.core import paths
from app.core.errors import Malformed, UnsupportedMedia
from app.core.outbound.client import Outbound
from app.core.outbound.turns import Limits
from app.core.sealing import Sealer
from app.core.slots import Slots
from app.database import engine
from app.destination import Post
from app.edge import environ
from app.metrics import deliveries, outbound
from app.services.notifications.delivery import Sender
from app.services.scope import Keys

OUTBOUND_LIMITS = Limits(total=8, host=3, organization=4, shared=2)
"""Calls to providers of each process; the other threads stay free for requests."""


POST_LIMITS = Limits(total=16, host=4, organization=16, shared=4)
"""Messages of each process, which are counted separately from calls to providers."""

LARGEST_RECEIPT = 64_000
"""Bytes of a message receiver's response."""


def flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine.engine_options(settings.database_url),
        "SESSION_COOKIE_NAME": "__Host-patchbay",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
    }


class _Signer(TimestampSigner):
    """Accepts cookies of any age, even from a clock that was ahead: the session's row decides the expiry."""

    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False
    ) -> Any:
        return super().unsign(signed_value, None, return_timestamp)  # type: ignore[call-overload]


class PortalSessions(SecureCookieSessionInterface):
    """Sessions of the portal only: the API neither reads nor sets cookies."""

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _Signer
        return serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return NullSession() if paths.is_api(request.path) else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, NullSession):
            super().save_session(app, session, response)


def init_app(app: Flask, settings: Settings) -> None:
    app.session_interface = PortalSessions()
    app.extensions["patchbay"] = Keys(Sealer(settings.fernet_keys), settings.jwt_keys, settings.secret_key)
    app.extensions["patchbay_settings"] = settings
    app.extensions["patchbay_hashing"] = Slots(settings.data / "hashing", _max_concurrent_hashes())
    app.extensions["patchbay_outbound"] = Outbound(
        settings.upstreams, limits=OUTBOUND_LIMITS, count=outbound.count
    )
    receivers = Outbound(
        settings.upstreams, most_bytes=LARGEST_RECEIPT, limits=POST_LIMITS, count=outbound.count
    )
    app.extensions["patchbay_sender"] = Sender(
        Post(receivers, settings.mailer), links.of_notification, deliveries.count
    )
    app.extensions["patchbay_check_soon"] = lambda _organization_id: None
    app.extensions["patchbay_token_used"] = lambda _token_id: None
    app.url_map.merge_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.extensions["patchbay_limit_of"] = limits.limit_of(app)
    app.before_request(_set_request_id)
    app.before_request(_raise_failure)
    app.before_request(_limit_body)
    app.before_request(_refuse_invalid_text)


def _max_concurrent_hashes() -> int:
    """Returns the number of cores without one, which is reserved for known users; at least 1."""
    return max(1, (os.cpu_count() or 1) - 1)


def _raise_failure() -> None:
    """Raises an error from the making of a response, so that it has the usual error response."""
    if failure := request.environ.get("patchbay.failure"):
        raise failure


def _limit_body() -> None:
    if not request.content_length:
        return
    if request.headers.get("Content-Encoding", "").lower() not in ("", "identity"):
        raise UnsupportedMedia("Send the body without Content-Encoding.")
    limit = request.environ.get("patchbay.limit") or current_app.extensions["patchbay_limit_of"](
        request.environ
    )
    request.environ["patchbay.limit"] = limit
    request.max_content_length = request.max_form_memory_size = limit.size


def _refuse_invalid_text() -> None:
    """Rejects NUL in path, query and form, and a query that is not UTF-8.

    PostgreSQL cannot store NUL; `strict_json` rejects it in JSON. A search would look for the percent signs
    of a query in another encoding.
    """
    if "\0" in request.path:
        abort(404)
    if b"%00" in request.query_string:
        raise Malformed("The URL contains a NUL character.")
    if not _is_utf8(unquote_to_bytes(request.query_string)):
        raise Malformed("The URL is not valid UTF-8.")
    if paths.is_api(request.path) or request.method != "POST":
        return
    submitted = [text for _, values in request.form.lists() for text in values]
    submitted += [file.filename or "" for file in request.files.values()]
    if any("\0" in text for text in submitted):
        raise Malformed("A field contains a NUL character.")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _set_request_id() -> None:
    """Sets the request's id: that of the edge, or a new one with a test client."""
    g.request_id = request.environ.get(environ.REQUEST_ID) or environ.new_id()
