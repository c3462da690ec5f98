"""From nothing to a number whose provider agrees, a step at a time; and what is a problem."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import insert

from app import context
from app.core.outbound.client import Outbound
from app.models import DriftCheck
from simulators.twilio import Twilio
from tests.support.cast import Cast
from tests.support.pages import Portal

ACME = "/o/acme-support/"
NUMBER = "+15551234567"


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


def test_it_leads_from_nothing_to_an_answered_call(dana: Portal, twilio: Twilio) -> None:
    page = dana.get(ACME)
    assert "0 of the 6 steps that every organization needs are done. Next: public base URL." in page.text
    page.follow("Set base URL").press("Save", public_base_url="https://voice.acme.example")
    page = dana.get(ACME).follow("Connect")
    assert page.path == "/o/acme-support/providers/twilio"
    typed = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    page.press("Save", **typed).follow("Make active for agent calls").press("Make Twilio active")
    page = dana.get(ACME).follow("Test connection")
    assert "These values work." in page.press("Test connection").notes
    page = dana.get(ACME).follow("Add endpoint")
    page.press("Add endpoint", phone_number=NUMBER, provider="twilio", inbound_agent_name="Reception")
    page = dana.get(ACME)
    assert "5 of the 6 steps that every organization needs are done. Next: numbers answered." in page.text
    page.follow("Ask the provider").press("Set webhook at Twilio")
    page = dana.get(ACME)
    assert "6 of the 6 steps that every organization needs are done. Calls are answered." in page.text
    assert "+1 555-123-4567 is answered by Reception, and Twilio agrees." in page.text


def test_drift_is_a_problem_that_leads_to_the_drifted(dana: Portal, twilio: Twilio) -> None:
    test_it_leads_from_nothing_to_an_answered_call(dana, twilio)
    twilio.numbers[NUMBER].voice_url = "https://old.example/x"
    row = dana.get("/o/acme-support/endpoints").follow("+1 555-123-4567").path
    dana.get(f"{row}/provider")
    page = dana.get(ACME)
    assert "1 problem: 1 number not answered." in page.text
    assert "The provider does not call the webhook URL. Since " in page.text
    assert page.link("Show drifted 1 number not answered")["href"] == "/o/acme-support/endpoints?sync=drifted"
    assert page.has_link("Endpoints, 1 drifted")


def test_the_rail_counts_drifted_endpoints_up_to_a_hundred(app: Flask, dana: Portal, cast: Cast) -> None:
    assert dana.get(ACME).has_link("Endpoints")
    with app.app_context():
        checks = [
            {
                "organization_id": owner,
                "provider": provider,
                "phone_number": f"+1555{place:07}",
                "in_sync": provider == "exotel",
            }
            for owner in (cast.acme, cast.globex)
            for provider, count in (("twilio", 40), ("vobiz", 59), ("exotel", 9), ("sinch", 7))
            for place in range(count)
        ]
        context.session().execute(insert(DriftCheck), checks)
        context.session().commit()
    assert dana.get(ACME).has_link("Endpoints, 99 drifted")
    with app.app_context():
        context.session().execute(insert(DriftCheck), [checks[0] | {"phone_number": "+15559999999"}])
        context.session().commit()
    assert dana.get(ACME).has_link("Endpoints, 99+ drifted")


def test_a_connection_that_does_not_work_is_the_first_thing_to_do(dana: Portal, twilio: Twilio) -> None:
    test_it_leads_from_nothing_to_an_answered_call(dana, twilio)
    twilio.status = "suspended"
    dana.get("/o/acme-support/providers/twilio").press("Test connection")
    page = dana.get(ACME)
    assert "1 problem: connection does not work." in page.text
    assert page.follow("Repair Connection does not work").title == "Twilio"
