"""JSON blueprints: guard, parse, call a service, answer."""

from __future__ import annotations

from flask import Flask

from app.api import operations
from app.api.audit import audit
from app.api.endpoints import endpoints
from app.api.me import me
from app.api.numbers import phone_numbers
from app.api.openapi import openapi
from app.api.organizations import organizations
from app.api.providers import providers
from app.api.sign_in import auth
from app.api.telephony import settings
from app.api.tokens import tokens
from app.api.users import users
from app.api.voice import calls
from app.api.webhooks import webhooks

_BLUEPRINTS = (
    *(calls, settings, endpoints, providers),
    *(organizations, users, tokens, phone_numbers, audit),
    *(auth, me, webhooks, openapi),
)


def init_app(app: Flask) -> None:
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.url_value_preprocessor(operations.refuse_other_methods)
