"""What every request has, whoever asks: an id, a scope, and the settings behind them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, current_app, g, request
from flask import session as cookie
from flask.sessions import (
    NullSession,
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from app import database
from app.config import Settings
from app.core.errors import Malformed, NotFound
from app.core.outbound import Outbound
from app.core.sealing import Sealer
from app.extensions import db
from app.models import Organization
from app.services import installation
from app.services.scope import Actor, Keys, Scope

ROOT = Path(__file__).parent.parent
MIGRATIONS = ROOT / "migrations"
LARGEST_BODY = 1_000_000
MOST_ASKING = 5
"""Threads of a process that wait for providers at once."""
STRANGER = "a stranger"


def flask_config(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": database.engine_options(settings.database_url),
        "MAX_CONTENT_LENGTH": LARGEST_BODY,
        "MAX_FORM_MEMORY_SIZE": LARGEST_BODY,
        "SESSION_COOKIE_NAME": "__Host-patchbay",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "BOOTSTRAP_SERVE_LOCAL": True,
    }


class PortalSessions(SecureCookieSessionInterface):
    """Only the portal has sessions: the API neither reads nor sets a cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return NullSession() if request.path.startswith("/api/") else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, NullSession):
            super().save_session(app, session, response)


def init_app(app: Flask, settings: Settings) -> None:
    app.session_interface = PortalSessions()
    app.extensions["patchbay"] = Keys(Sealer(settings.fernet_keys), settings.jwt_keys)
    app.extensions["patchbay_settings"] = settings
    app.extensions["patchbay_outbound"] = Outbound(settings.upstreams, most_at_once=MOST_ASKING)
    app.extensions["patchbay_check_soon"] = lambda _organization_id: None
    app.extensions["patchbay_token_used"] = lambda _token_id: None
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    app.before_request(_give_id)
    app.before_request(_admit_body)
    app.before_request(_refuse_nul)
    app.add_url_rule("/healthz", view_func=_healthz, provide_automatic_options=False)
    app.add_url_rule("/readyz", view_func=_readyz, provide_automatic_options=False)


def _admit_body() -> None:
    """A route that takes files says how large they may be; strangers send no more than elsewhere."""
    view = current_app.view_functions.get(request.endpoint or "")
    most = getattr(view, "largest_body", None)
    if most is not None and "_user_id" in cookie:
        request.max_content_length = request.max_form_memory_size = most


def _refuse_nul() -> None:
    """No text of ours has one, and PostgreSQL cannot even be asked for it."""
    if "\0" in request.path:
        raise NotFound("There is nothing at this address.")
    if b"%00" in request.query_string:
        raise Malformed("The address has a NUL character in it.")
    if request.path.startswith("/api/") or request.method != "POST":
        return
    if any("\0" in text for text in request.form.values()):
        raise Malformed("A field has a NUL character in it.")


def settings() -> Settings:
    found: Settings = current_app.extensions["patchbay_settings"]
    return found


def keys() -> Keys:
    found: Keys = current_app.extensions["patchbay"]
    return found


def outbound() -> Outbound:
    """The way out to the providers; never called while a transaction is open."""
    found: Outbound = current_app.extensions["patchbay_outbound"]
    return found


def token_used(token_id: str) -> None:
    """Has it noted that the token was used, by somebody who does not wait."""
    current_app.extensions["patchbay_token_used"](token_id)


def scope(actor: Actor, organization: Organization | None = None) -> Scope:
    """The scope of an actor, with this application's session, keys and background checks."""
    return Scope(session(), organization, actor, keys(), current_app.extensions["patchbay_check_soon"])


def session() -> Session:
    """The request's database session."""
    return db.session()


def engine() -> Engine:
    return db.engine


def _give_id() -> None:
    g.request_id = f"{random.getrandbits(64):016x}"


def stranger() -> Scope:
    """The scope of somebody who has not said who they are."""
    actor = Actor(name=STRANGER, ip=request.remote_addr or "", request_id=g.request_id)
    return scope(actor)


def check_keys() -> None:
    """Raises KeyMismatch where the database was sealed with another key; silent while it is away."""
    try:
        if inspect(db.engine).has_table("installation"):
            installation.check_keys(db.session(), keys().sealer)
    except OperationalError:
        return
    finally:
        db.session.remove()


def _healthz() -> tuple[str, dict[str, str]]:
    """Answers while the process lives."""
    return "ok\n", {"Content-Type": "text/plain; charset=utf-8"}


def _readyz() -> tuple[str, int, dict[str, str]]:
    """200 when the database is there, its migrations are current, and the keys match."""
    problem = _not_ready()
    text, status = (problem, 503) if problem else ("ready", 200)
    return (
        f"{text}\n",
        status,
        {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"},
    )


def _not_ready() -> str | None:
    from app import migrations

    try:
        if not migrations.are_current(db.engine):
            return "The migrations are not current. Run: flask --app wsgi prepare"
        installation.check_keys(session(), keys().sealer)
    except OperationalError:
        return "The database cannot be reached."
    except installation.KeyMismatch as error:
        return str(error)
    return None
