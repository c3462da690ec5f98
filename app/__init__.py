"""Patchbay: the control room for an organization's phone lines."""

from __future__ import annotations

import os

from flask import Flask

from app import (
    api,
    cli,
    compression,
    cors,
    dialer_defaults,
    error_handlers,
    health,
    http,
    logs,
    metrics,
    plain_http,
    security,
    static,
    web,
)
from app.backup import cli as backup_cli
from app.config import Settings
from app.database import engine
from app.database import migrate as database_migrate
from app.extensions import csrf, db, htmx, login, migrate
from app.services.connections import provisioning
from app.services.drift import hooks
from app.services.last_calls import daily
from app.services.voice_ai import recovery, trunk, webhook, webhook_checks
from app.services.webhooks import job_results
from app.services.webhooks import recovery as webhook_recovery


def create_app(settings: Settings | None = None) -> Flask:
    """Returns the application. Raises SettingsError if a setting is unusable."""
    settings = settings or Settings.from_environment(os.environ)
    app = Flask(__name__, template_folder="../templates", static_folder=None)
    app.config.from_mapping(http.flask_config(settings))

    logs.init_app(app)
    db.init_app(app)
    http.init_app(app, settings)
    migrate.init_app(app, db, directory=str(database_migrate.MIGRATIONS))
    login.init_app(app)
    csrf.init_app(app)
    htmx.init_app(app)

    security.init_app(app, settings)
    cors.init_app(app, settings)
    plain_http.init_app(app)
    static.init_app(app)
    compression.init_app(app)
    metrics.init_app(app)
    health.init_app(app)
    error_handlers.init_app(app)
    api.init_app(app)
    web.init_app(app)
    cli.init_app(app)
    backup_cli.init_app(app)

    provisioning.register(webhook.follow)
    hooks.register_recovery(recovery)
    hooks.register_recovery(webhook_recovery)
    hooks.register_listener(job_results.confirm_outcomes)
    hooks.register_watch(webhook_checks.check)
    hooks.register_watch(trunk.check)
    hooks.register_watch(daily.read)

    with app.app_context():
        engine.prepare(db.engine)
        dialer_defaults.init_app(app, settings)
        health.check_keys()
    return app
