"""The test of a callback URL that an application's numbers share."""

from __future__ import annotations

import pytest

from app.core.errors import Conflict, NotFound
from app.models import CallbackTest, Connection
from app.provider.webhooks import MARK
from app.providers import PROVIDERS
from app.providers.sinch.signing import signature
from app.services.providers import credentials
from app.services.webhook_tests import results, runs
from simulators import SIMULATORS
from tests.support.accounts import connect
from tests.support.runtimes import Runtime, Said

VALUES = SIMULATORS["sinch"].sample_values
PATH = "/calls"
CONNECT = '{"instructions": [], "action": {"name": "connectStream"}}'


def answer(got):
    """Verifies the signature as a runtime does, and connects."""
    stamp, kind = got.headers["x-timestamp"] or "", got.headers["Content-Type"] or ""
    right = signature(
        VALUES["application_secret"],
        method=got.method,
        path=got.path,
        timestamp=stamp,
        content_type=kind,
        body=got.body,
    )
    if got.headers["Authorization"] != f"application {VALUES['application_key']}:{right}":
        return Said(401, "")
    assert MARK.encode() in got.body
    return Said(body=CONNECT, headers={"Content-Type": "application/json"})


@pytest.fixture
def callback(acme, base):
    """Connects the application, and sets its callback."""
    connect(acme, "sinch", VALUES, phone_number="+15551234567")
    with acme.transaction():
        row = acme.session.scalars(acme.select(Connection)).one()
        row.callback_url = f"https://voice.acme.example{PATH}"


def test_callback_of_an_application_is_proven_and_needs_a_url_and_a_number(acme, http, callback):
    credentials.save(acme, PROVIDERS["sinch"], {"phone_number": None})
    with pytest.raises(Conflict) as refused:
        runs.run_test(acme, http("http://127.0.0.1:9"), runs.application(acme, "sinch"))
    assert refused.value.code == "NO_CALLBACK"
    with pytest.raises(NotFound):
        runs.application(acme, "twilio")
    assert acme.session.query(CallbackTest).all() == []

    credentials.save(acme, PROVIDERS["sinch"], {"phone_number": "+15551234567"})
    subject = runs.application(acme, "sinch")
    with Runtime(answer) as runtime:
        report = runs.run_test(acme, http(runtime.base), subject, signed=True)
    result_codes = {str(result.name): str(result.verdict) for result in report.results}
    assert result_codes == {"unsigned": "refused", "wrongly_signed": "refused", "signed": "connects"}
    assert report.is_proof
    assert [got.path for got in runtime.got] == [PATH] * 3
    assert b'"dice"' in runtime.got[0].body
    assert results.of(acme, subject).code == "connects"
    credentials.save(acme, PROVIDERS["sinch"], {"application_secret": "YW5vdGhlci1zZWNyZXQ="})
    assert results.of(acme, runs.application(acme, "sinch")).code == "not_tested"
