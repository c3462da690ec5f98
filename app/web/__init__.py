"""HTML blueprints: guard, parse, call a service, render."""

from __future__ import annotations

from flask import Flask

from app.web.access.account import account
from app.web.access.people import people
from app.web.access.setup import setup
from app.web.access.sign_in import sign_in
from app.web.audit.events import audit_events
from app.web.audit.log import audit
from app.web.endpoints.bulk import many_endpoints
from app.web.endpoints.call_path import who_answers
from app.web.endpoints.csv import endpoint_imports
from app.web.endpoints.drift import drift
from app.web.endpoints.views import endpoints
from app.web.numbers.inventory import numbers
from app.web.organizations.checklist import checklist
from app.web.organizations.overview import organizations
from app.web.organizations.settings import settings
from app.web.providers.callback import callback
from app.web.providers.views import providers
from app.web.shell import layout, navigation, places
from app.web.shell.search import find
from app.web.voice_ai.calls import calls
from app.web.voice_ai.numbers import ai_numbers
from app.web.voice_ai.views import voice_ai


def init_app(app: Flask) -> None:
    navigation.init_app(app)
    layout.init_app(app)
    places.init_app(app)
    for blueprint in (
        setup,
        sign_in,
        organizations,
        checklist,
        providers,
        callback,
        voice_ai,
        endpoints,
        endpoint_imports,
        who_answers,
        find,
        many_endpoints,
        calls,
        drift,
        numbers,
        people,
        ai_numbers,
        audit,
        audit_events,
        settings,
        account,
    ):
        app.register_blueprint(blueprint)
