"""JSON blueprints: guard, parse, call a service, answer."""

from __future__ import annotations

from flask import Flask

from app.api.auth import auth
from app.api.calls import calls
from app.api.openapi import openapi
from app.api.organizations import organizations
from app.api.providers import providers
from app.api.settings import settings
from app.api.webhooks import webhooks


def init_app(app: Flask) -> None:
    for blueprint in (calls, settings, providers, organizations, auth, webhooks, openapi):
        app.register_blueprint(blueprint)
