"""The home of an organization: its setup from nothing to a verified webhook, and what needs attention."""

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
from tests.support.pages import Page, Portal

ACME = "/o/acme-support/"
NUMBER = "+15551234567"


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


def _steps(page: Page) -> dict[str, bool]:
    """Whether each step of the setup is done, if the page shows it."""
    return {
        step["data-step"]: "pb-ok" in step["class"].split() for step in page.root.all("li", css="pb-step")
    }


def _findings(page: Page) -> list[str]:
    return [row["data-finding"] for row in page.root.all("li") if row.get("data-finding")]


def _tiles(page: Page) -> list[str]:
    return [tile.all("dd")[0].text for tile in page.root.all("div", css="pb-tile")]


def _go_live(dana: Portal, twilio: Twilio) -> Page:
    """Follows the buttons of the setup, each from where the one before leads to."""
    page = dana.get(ACME).press("Save", public_base_url="voice.acme.example")
    assert (page.path, sum(_steps(page).values())) == (ACME, 1)
    page = page.follow("Connect Twilio")
    typed = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    page = page.press("Save", **typed)
    assert (page.path, sum(_steps(page).values())) == (ACME, 2)
    page = page.press("Add number", phone_number=NUMBER, inbound_agent_name="Reception")
    assert "https://voice.acme.example/telephony/twilio/inbound/Reception" in page.text
    return page.follow("Set webhook").press("Set webhook at Twilio").follow("Go to Home")


def test_setup_leads_to_a_verified_webhook_and_a_problem_to_its_fix(dana: Portal, twilio: Twilio) -> None:
    page = dana.get(ACME)
    assert _steps(page) == dict.fromkeys(("base-url", "provider", "number", "webhook"), False)
    assert (_tiles(page), _findings(page)) == ([], [])
    page = _go_live(dana, twilio)
    assert (_steps(page), _findings(page)) == ({}, [])
    assert _tiles(page)[:3] == ["1", "0", "—"]
    assert dana.get("/o/acme-support/providers/twilio").has_link("Undo… Made default for agent calls")

    twilio.numbers[NUMBER].voice_url = "https://old.example/x"
    row = dana.get("/o/acme-support/endpoints").follow("+1 555-123-4567").path
    dana.get(f"{row}/provider")
    page = dana.get(ACME)
    assert (_findings(page), _steps(page), _tiles(page)[1]) == (["drifted"], {}, "1")
    assert page.link("Show numbers: 1 drifted")["href"] == "/o/acme-support/endpoints?sync=drifted"
    assert page.has_link("Endpoints, 1 drifted")
    twilio.status = "suspended"
    dana.get("/o/acme-support/providers/twilio").press("Test connection")
    page = dana.get(ACME)
    assert "test-failed" in _findings(page)
    assert page.follow("Open Twilio: Twilio connection failed").title == "Twilio"


def test_setup_corrects_its_base_url_and_goes_on_without_a_provider(dana: Portal) -> None:
    """The step of a URL that was saved meanwhile has no field."""
    late, later = dana.get(ACME), dana.get(ACME)
    page = later.press("Save", 422, public_base_url="not a url")
    assert (page.path, page.value("public_base_url")) == (ACME, "not a url")
    assert page.error("public_base_url")
    page = page.press("Save", public_base_url="voice.acme.example")
    assert (page.path, sum(_steps(page).values())) == (ACME, 1)
    page = late.press("Save", 412, public_base_url="other.acme.example")
    assert page.value("public_base_url")
    page = later.press("Save", 422, public_base_url="not a url")
    assert (page.value("public_base_url"), bool(page.error("public_base_url"))) == ("not a url", True)

    page = dana.get(ACME).follow("Add a number first")
    page = page.press("Add endpoint", phone_number=NUMBER, inbound_agent_name="a", provider="twilio")
    assert "https://voice.acme.example/telephony/twilio/inbound/a" in page.text
    assert page.follow("Connect a provider").path == ACME
    assert _steps(dana.get(ACME)) == {"base-url": True, "provider": False, "number": True, "webhook": False}


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
