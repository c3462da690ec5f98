"""Type a number, see the path of its calls, and open the page that fixes the first fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.services.connections import gateway
from simulators.base import Trouble
from simulators.twilio import Twilio
from tests.support.cast import Cast
from tests.support.full_organization import furnish
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

PATH = "/o/acme-support/trace"
NUMBER = "+15551234567"
SHOWN = "+1 555-123-4567"
OLD = "https://old.example/x"


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        upstream.numbers[NUMBER].voice_url = OLD
        yield upstream


@pytest.fixture
def live(dana: Portal, twilio: Twilio) -> Portal:
    dana.get("/o/acme-support/settings").press("Save", public_base_url="https://voice.acme.example")
    typed = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    dana.get("/o/acme-support/providers/twilio").press("Save", **typed)
    form = dana.get("/o/acme-support/endpoints/new")
    form.press("Add endpoint", phone_number=NUMBER, provider="twilio", inbound_agent_name="support")
    return dana


def ask(portal: Portal, typed: str = NUMBER, status: int = 200) -> Page:
    return portal.get("/o/acme-support/").follow("Trace a number").press("Trace", status, number=typed)


def hops(page: Page, title: str = "inbound-title") -> dict[str, str]:
    """The state of each hop, by its key."""
    section = page.root.one("section", **{"aria-labelledby": title})
    return {hop["data-hop"]: hop["data-state"] for hop in section.all("li", css="pb-hop")}


def outcome(page: Page) -> str:
    """What becomes of a call to the number."""
    return next(line["data-outcome"] for line in page.root.all("p") if "data-outcome" in line.attrs)


def test_trace_is_in_the_navigation_and_redirects_its_former_url(live: Portal) -> None:
    page = ask(live, "+1 (555) 123-4567")
    assert page.path == f"{PATH}?number=%2B1+%28555%29+123-4567"
    former = live.get(f"/o/acme-support/who-answers?number=%2B{NUMBER[1:]}")
    assert former.path == f"{PATH}?number=%2B{NUMBER[1:]}"
    assert SHOWN in page.root.by_id("inbound-title").text
    current = page.root.one("a", **{"aria-current": "page"})
    assert current.text == "Trace a number"


def test_the_empty_page_offers_unhealthy_numbers_first(live: Portal) -> None:
    form = live.get("/o/acme-support/endpoints/new")
    form.press("Add endpoint", phone_number="+15550001111", provider="twilio", inbound_agent_name="support")
    ask(live).follow("Check now")
    page = live.get(PATH)
    assert [text.startswith(SHOWN) for text in page.rows()] == [True, False]
    assert outcome(page.follow(SHOWN)) == "failing"


def test_the_last_check_is_shown_until_the_provider_responds(live: Portal) -> None:
    page = ask(live)
    part = page.root.by_id("answer")
    assert part["hx-trigger"] == "load"
    assert (outcome(page), hops(page)["at_provider"]) == ("unverified", "not-checked")
    requested = live.get(part["hx-get"], htmx="answer")
    assert "hx-trigger" not in requested.root.by_id("answer").attrs
    assert hops(requested)["at_provider"] == "drifted"
    assert OLD in requested.text


def test_check_now_finds_a_wrong_webhook_and_leads_to_repair(live: Portal) -> None:
    page = ask(live).follow("Check now")
    assert outcome(page) == "failing"
    assert OLD in page.notes
    assert "https://voice.acme.example/telephony/" in page.notes
    page.follow("Repair at Twilio").press("Repair at Twilio")
    page = ask(live)
    assert outcome(page) == "verified"
    assert page.notes == ""
    assert page.has_link("Check now")


@pytest.mark.parametrize(
    ("path", "typed", "fix", "title"),
    [
        ("settings", {"public_base_url": ""}, "Set the base URL", "Settings"),
        ("providers/twilio/disable", {}, "Open Twilio", "Twilio"),
    ],
)
def test_trace_links_to_what_blocks_the_call(
    live: Portal, path: str, typed: dict[str, Any], fix: str, title: str
) -> None:
    page = live.get(f"/o/acme-support/{path}")
    if path == "settings":
        page.press("Save", **typed).press("Change the base URL")
    else:
        page.press("Disable Twilio")
    page = ask(live)
    assert outcome(page) == "blocked"
    assert page.follow(fix).title == title


def test_trace_of_an_outbound_only_number_has_no_problem(live: Portal) -> None:
    page = live.get("/o/acme-support/endpoints").follow("Edit +1 555-123-4567")
    page = page.press("Save", 422, inbound_agent_name="", outbound_agent_name="sales").press(
        "Save and stop calls"
    )
    assert "Outbound only" in page.rows()[0]
    page = ask(live)
    assert (outcome(page), hops(page)["agent"]) == ("outbound-only", "outbound-only")


def test_trace_of_an_unknown_number_links_to_add(live: Portal) -> None:
    page = ask(live, "+15557654321")
    assert page.root.by_id("unknown-title").tag == "h2"
    form = page.follow("Add endpoint")
    assert form.value("phone_number") == "+15557654321"
    form.press("Add endpoint", provider="twilio", inbound_agent_name="billing")
    assert outcome(ask(live, "+15557654321")) == "unverified"


def test_trace_of_an_accounts_number_links_to_import(live: Portal, twilio: Twilio) -> None:
    twilio.add("+15557654321")
    page = ask(live, "+15557654321").follow("Search provider accounts")
    page = page.follow("Import it from Twilio")
    assert len(page.rows()) == 1
    assert "555-765-4321" in page.rows()[0]
    assert "Not found in any" in ask(live, "+15550000001").follow("Search provider accounts").text
    twilio.trouble = Trouble.FAULT
    assert "No response from Twilio." in ask(live, "+15557654321").follow("Search provider accounts").text


def test_trace_does_not_disclose_another_organization(live: Portal, twilio: Twilio) -> None:
    page = live.get(f"/o/globex/trace?number=%2B{NUMBER[1:]}")
    assert "another organization" in page.text
    assert not page.has_link("Add endpoint")
    assert "Acme" not in page.text


def test_trace_of_an_unreadable_number_shows_the_error(app: Flask, dana: Portal) -> None:
    for typed in ["12", "hello", "+1555<b>"]:
        with unchanged(app):
            page = ask(dana, typed, 422)
        assert page.error("number"), typed
        assert page.value("number") == typed, typed


def test_trace_shows_users_with_the_number(app: Flask, dana: Portal, cast: Cast) -> None:
    furnish(app, cast)
    page = ask(dana, "+15557654321")
    (row,) = page.rows()
    assert row.startswith("Mo Sinch Not the default for the dialer Default Mo Not monitored")
    assert page.follow("Mo").title == "Mo"
    assert not page.has_link("Add endpoint")


def test_trace_beyond_the_limit_keeps_the_last_result(live: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "OBSERVE", replace(gateway.OBSERVE, most=1))
    page = ask(live).follow("Check now").follow("Check again")
    assert page.root.by_id("answer").all(css="pb-warn")
    assert [*hops(page)] == ["endpoint", "provider", "agent", "at_provider", "webhook_test", "last_call"]


def test_trace_page_shows_the_default_country(app: Flask, dana: Portal, cast: Cast) -> None:
    path = "/o/acme-support/trace"
    assert "Default country" not in dana.get(path).text
    furnish(app, cast)
    assert "Default country: United States (+1)" in dana.get(path).text
