"""Creates the service that responds to dialers. How it notices commits depends on the database."""

from __future__ import annotations

import os
from collections.abc import Callable

import structlog
from flask import Flask

from app.config import Settings
from app.database.changes import Changes
from app.extensions import db
from app.services.providers import dialer_defaults

log = structlog.get_logger(__name__)


def init_app(app: Flask, settings: Settings) -> None:
    """Registers the service. Call it once the engine is prepared, in the application's context."""
    app.extensions["patchbay_committed"] = lambda: None
    app.extensions["patchbay_dialer_defaults"] = (
        dialer_defaults.OnSqlite(db.engine)
        if settings.is_sqlite
        else dialer_defaults.OnPostgresql(db.engine, _commits(app, settings))
    )


def _commits(app: Flask, settings: Settings) -> Callable[[], bytes]:
    """Returns a function that reads the counter of commits.

    Without a file for the counter it returns a new value each time, so that nothing is cached.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        changes = Changes(settings.data / "commits", dialer_defaults.may_change_defaults)
    except OSError as error:
        log.warning("commits.not_counted", reason=str(error))
        return lambda: os.urandom(8)
    changes.watch(db.engine)
    app.extensions["patchbay_committed"] = changes.committed
    return changes.count
