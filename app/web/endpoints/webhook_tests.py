"""Testing the webhook of an endpoint."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from app.core import phone
from app.services.endpoints import crud
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.webhook_tests import runs
from app.web.shell import webhook_tests as pages
from app.web.shell.guard import Pages, Who
from app.web.shell.webhook_tests import Address

webhook_tests = Pages("webhook_tests", __name__)


def address_of(scope: Scope, endpoint_id: str) -> Address:
    row = crud.get(scope, endpoint_id)
    return Address(
        url_for("webhook_tests.show", endpoint_id=row.id),
        url_for("webhook_tests.confirm", endpoint_id=row.id),
        url_for("endpoints.show", endpoint_id=row.id),
        phone.display(row.phone_number),
        row.inbound_agent_name,
    )


@webhook_tests.page(
    "/o/<slug>/endpoints/<endpoint_id>/webhook-test",
    who=Who.SUPERADMIN,
    title="Webhook test",
    guide="webhook-test",
    places={Place.WEBHOOK_TEST: {}},
)
def show(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    return pages.show(scope, runs.subject_of(scope, endpoint_id), address_of(scope, endpoint_id))


@webhook_tests.page("/o/<slug>/endpoints/<endpoint_id>/webhook-test", who=Who.SUPERADMIN, methods=["POST"])
def run(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    return pages.run(scope, runs.subject_of(scope, endpoint_id), address_of(scope, endpoint_id))


@webhook_tests.page(
    "/o/<slug>/endpoints/<endpoint_id>/webhook-test/signed", who=Who.SUPERADMIN, title="Test as a call"
)
def confirm(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    return pages.confirm(scope, runs.subject_of(scope, endpoint_id), address_of(scope, endpoint_id))
