"""The buttons of the checklist: from a new organization to a verified webhook, from a problem to its fix."""

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


def _tones(dana: Portal) -> dict[str, str]:
    """The tone of each step of the checklist."""
    steps = dana.get(ACME).root.all("li", css="pb-step")
    tones = ("ok", "warn", "bad", "idle")
    return {step["data-step"]: next(t for t in tones if f"pb-{t}" in step["class"]) for step in steps}


def _go_live(dana: Portal, twilio: Twilio) -> None:
    """Follows the checklist's buttons, one after the other."""
    dana.get(ACME).follow("Set base URL").press("Save", public_base_url="https://voice.acme.example")
    page = dana.get(ACME).follow("Connect")
    assert page.path == "/o/acme-support/providers/twilio"
    typed = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    page.press("Save", **typed).follow("Make default for agent calls").press("Make Twilio the default")
    dana.get(ACME).follow("Test connection").press("Test connection")
    page = dana.get(ACME).follow("Add endpoint")
    page.press("Add endpoint", phone_number=NUMBER, provider="twilio", inbound_agent_name="Reception")
    dana.get(ACME).follow("Check now").press("Set webhook at Twilio")


def test_the_checklist_leads_from_nothing_to_a_verified_webhook(dana: Portal, twilio: Twilio) -> None:
    assert set(_tones(dana).values()) == {"idle"}
    _go_live(dana, twilio)
    optional = {"voice", "voice-ai", "webhook"}
    assert {tone for key, tone in _tones(dana).items() if key not in optional} == {"ok"}


def test_a_problem_links_to_its_fix(dana: Portal, twilio: Twilio) -> None:
    _go_live(dana, twilio)
    twilio.numbers[NUMBER].voice_url = "https://old.example/x"
    row = dana.get("/o/acme-support/endpoints").follow("+1 555-123-4567").path
    dana.get(f"{row}/provider")
    assert _tones(dana)["answered"] == "bad"
    page = dana.get(ACME)
    assert page.link("Show drifted 1 number drifted")["href"] == "/o/acme-support/endpoints?sync=drifted"
    assert page.has_link("Endpoints, 1 drifted")
    twilio.status = "suspended"
    dana.get("/o/acme-support/providers/twilio").press("Test connection")
    assert _tones(dana)["tested"] == "bad"
    assert dana.get(ACME).follow("Fix Connection failed").title == "Twilio"


def test_the_navigation_counts_drifted_endpoints_up_to_a_hundred(
    app: Flask, dana: Portal, cast: Cast
) -> None:
    assert dana.get(ACME).has_link("Endpoints")
    with app.app_context():
        checks = [
            {
                "organization_id": owner,
                "provider": provider,
                "phone_number": f"+1555{place:07}",
                "verdict": "healthy" if provider == "exotel" else "unhealthy",
                "cause": None if provider == "exotel" else "different_url",
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
