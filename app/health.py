"""`/healthz` and `/readyz`, and the check of the keys at the start."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from app import context
from app.core.errors import Unavailable
from app.database import migrate
from app.extensions import db
from app.services.installation import keys, signing_keys


def init_app(app: Flask) -> None:
    app.add_url_rule("/healthz", view_func=_healthz, provide_automatic_options=False)
    app.add_url_rule("/readyz", view_func=_readyz, provide_automatic_options=False)


def check_keys() -> None:
    """Raises KeyMismatch if the database was sealed with another key; not if it is unreachable."""
    try:
        if inspect(db.engine).has_table("installation"):
            keys.check_keys(db.session(), context.keys().sealer)
    except OperationalError:
        return
    finally:
        db.session.remove()


def _healthz() -> tuple[str, dict[str, str]]:
    """Responds 200 while the process runs."""
    return "ok\n", {"Content-Type": "text/plain; charset=utf-8"}


def _readyz() -> tuple[str, int, dict[str, str]]:
    """Responds 200 if the database is reachable, its migrations are current, and the keys match."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    if problem := _readiness_problem():
        return f"{problem}\n", 503, headers | {"Retry-After": str(Unavailable.retry_after)}
    return "ready\n", 200, headers


def _readiness_problem() -> str | None:
    try:
        if not migrate.are_current(db.engine):
            return "The migrations are not current. Run: flask --app wsgi prepare"
        keys.check_keys(context.session(), context.keys().sealer)
        signing_keys.expect_same(context.session(), context.keys())
    except OperationalError:
        return "The database cannot be reached."
    except keys.KeyMismatch as error:
        return str(error)
    return None
