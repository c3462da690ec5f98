"""The webhook test on a number's page: its card, the confirmation, and the hop of the call path."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from twilio.request_validator import RequestValidator

from app.core.outbound.client import Outbound
from simulators import SIMULATORS
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.live_numbers import add_numbers
from tests.support.pages import Portal
from tests.support.runtimes import Got, Runtime, Said
from tests.web.endpoints.test_bulk import chosen, confirmed
from tests.web.endpoints.test_webhook_jobs import codes, ended

VALUES = SIMULATORS["twilio"].sample_values
URL = "https://voice.acme.example/telephony/twilio/inbound/support"


@pytest.fixture
def runtime(app: Flask) -> Iterator[Runtime]:
    """Verifies signatures."""
    validator = RequestValidator(VALUES["auth_token"])

    def answer(got: Got) -> Said:
        is_signed = validator.validate(URL, got.form, got.headers["X-Twilio-Signature"] or "")
        return Said() if is_signed else Said(403, "")

    with Runtime(answer) as runtime:
        app.extensions["patchbay_outbound"] = Outbound({"voice.acme.example": runtime.base})
        yield runtime


@pytest.fixture
def number(app: Flask, cast: Cast, runtime: Runtime) -> str:
    """The path of the endpoint's page."""
    with scope_as(app, cast.dana) as scope:
        (row_id,) = add_numbers(scope, VALUES, "+15551234567")
    return f"/o/acme-support/endpoints/{row_id}"


def requests(page: object) -> dict[str, str]:
    elements = page.root.by_id("webhook_test").all("li")  # type: ignore[attr-defined]
    return {one["data-request"]: one["data-code"] for one in elements if "data-request" in one.attrs}


def hop(dana: Portal) -> str:
    page = dana.get("/o/acme-support/trace?number=%2B15551234567")
    (element,) = [one for one in page.root.all("li") if one.attrs.get("data-hop") == "webhook_test"]
    return str(element["data-state"])


def test_webhook_test_is_careful_until_confirmed(dana: Portal, runtime: Runtime, number: str) -> None:
    assert requests(dana.get(number)) == {}
    assert hop(dana) == "not-tested"
    page = dana.get(number).press("Test webhook")
    assert requests(page) == {"unsigned": "refused"}
    assert len(runtime.got) == 1
    assert hop(dana) == "partly-proven"
    confirm = page.follow("Test as a call…")
    assert URL in confirm.text
    assert len(runtime.got) == 1
    page = confirm.press("Send three requests")
    assert requests(page) == {"unsigned": "refused", "wrongly_signed": "refused", "signed": "connects"}
    assert "Response: Connect" in page.text
    assert "wss://" not in page.text
    assert hop(dana) == "answers"
    runtime.said = Said()
    page = dana.get(number).press("Test webhook", htmx="webhook_test")
    assert page.answer.headers["HX-Trigger"] == "changed"
    assert requests(page)["unsigned"] == "open"
    assert hop(dana) == "fails"
    path = dana.get(number, htmx="path").root
    assert [one["data-state"] for one in path.all("li") if one.get("data-hop") == "webhook_test"] == ["fails"]


def test_webhook_test_that_is_refused_stays_on_its_page(dana: Portal, runtime: Runtime, number: str) -> None:
    token = dana.token()
    for signed, status in (("", 400), ("maybe", 400)):
        answer = dana.raw("POST", f"{number}/webhook-test", data={"csrf_token": token, "signed": signed})
        assert answer.status_code == status
    assert runtime.got == []
    confirm = dana.get(f"{number}/webhook-test/signed")
    dana.get(f"{number}?edit=1").press("Save", 422, inbound_agent_name="").send("Save and stop calls")
    assert requests(confirm.press("Send three requests", 409)) == {}
    assert requests(dana.get(f"{number}/webhook-test/signed")) == {}
    assert runtime.got == []


def test_webhooks_of_many_are_tested_as_a_job(dana: Portal, runtime: Runtime, number: str) -> None:
    page = chosen(dana, "test", all_=True)
    assert runtime.got == []
    page = ended(confirmed(page))
    assert page.root.by_id("job")["data-state"] == "done"
    assert codes(page) == {"+15551234567": "refused"}
    assert len(runtime.got) == 1
    page = ended(confirmed(chosen(dana, "test", all_=True), signed="y"))
    assert codes(page) == {"+15551234567": "connects"}
