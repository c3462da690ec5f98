"""Testing the callback URL of a provider's application."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from app.services.scope import Scope
from app.services.webhook_tests import runs
from app.services.webhook_tests.subjects import Subject
from app.web.providers import messages
from app.web.shell import webhook_tests as pages
from app.web.shell.guard import Pages, Who
from app.web.shell.webhook_tests import Address

callback_tests = Pages("callback_tests", __name__)


def address_of(subject: Subject) -> Address:
    key = subject.provider.key
    return Address(
        url_for("callback_tests.show", key=key),
        url_for("callback_tests.confirm", key=key),
        url_for("callback.show", key=key),
        messages.callback_of(subject.provider.label),
    )


@callback_tests.page("/o/<slug>/providers/<key>/callback/test", who=Who.SUPERADMIN, title="Callback test")
def show(scope: Scope, key: str) -> ResponseReturnValue:
    subject = runs.application(scope, key)
    return pages.show(scope, subject, address_of(subject))


@callback_tests.page("/o/<slug>/providers/<key>/callback/test", who=Who.SUPERADMIN, methods=["POST"])
def run(scope: Scope, key: str) -> ResponseReturnValue:
    subject = runs.application(scope, key)
    return pages.run(scope, subject, address_of(subject))


@callback_tests.page(
    "/o/<slug>/providers/<key>/callback/test/signed", who=Who.SUPERADMIN, title="Test as a call"
)
def confirm(scope: Scope, key: str) -> ResponseReturnValue:
    subject = runs.application(scope, key)
    return pages.confirm(scope, subject, address_of(subject))
