"""The JSON API: its blueprints check access, parse the request, and call a service."""

from __future__ import annotations

from flask import Flask

from app.api import operations
from app.api.audit import audit
from app.api.endpoints import endpoints
from app.api.jobs import jobs
from app.api.last_calls import last_calls
from app.api.me import me
from app.api.notifications import notifications
from app.api.numbers import phone_numbers
from app.api.openapi import openapi
from app.api.organizations import organizations
from app.api.providers import providers
from app.api.sign_in import auth
from app.api.telephony import settings
from app.api.tokens import tokens
from app.api.users import users
from app.api.voice import calls
from app.api.webhook_jobs import webhook_jobs
from app.api.webhook_tests import webhook_tests
from app.api.webhooks import webhooks

_BLUEPRINTS = (
    *(calls, settings, endpoints, webhook_jobs, webhook_tests, jobs, last_calls, providers),
    *(organizations, users, tokens, phone_numbers, notifications, audit),
    *(auth, me, webhooks, openapi),
)


def init_app(app: Flask) -> None:
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.url_value_preprocessor(operations.refuse_other_methods)
