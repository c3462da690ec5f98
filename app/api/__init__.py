"""JSON blueprints: guard, parse, call a service, answer."""

from __future__ import annotations

from flask import Flask

from app.api import operations
from app.api.endpoints import endpoints
from app.api.me import me
from app.api.numbers import organizations
from app.api.openapi import openapi
from app.api.providers import providers
from app.api.sign_in import auth
from app.api.telephony import settings
from app.api.voice import calls
from app.api.webhooks import webhooks


def init_app(app: Flask) -> None:
    for blueprint in (calls, settings, endpoints, providers, organizations, auth, me, webhooks, openapi):
        app.register_blueprint(blueprint)
    app.url_value_preprocessor(operations.refuse_other_methods)
