"""Type a number, see the path of its calls, and open the page that fixes the first fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.services.connections import gateway
from app.services.endpoints import crud, readiness
from app.services.organizations import directory
from simulators.base import Trouble
from simulators.twilio import Twilio
from tests.support.cast import Cast
from tests.support.full_organization import furnish, scope_as
from tests.support.live_numbers import add_numbers
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged
from tests.support.scopes import OFFLINE

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
def live(app: Flask, cast: Cast, dana: Portal, twilio: Twilio) -> Portal:
    with scope_as(app, cast.dana) as scope:
        add_numbers(scope, twilio.values, NUMBER)
    return dana


def ask(portal: Portal, typed: str = NUMBER, status: int = 200) -> Page:
    return portal.get(f"{PATH}?{urlencode({'number': typed})}", status)


def hops(page: Page, title: str = "inbound-title") -> dict[str, str]:
    """The state of each hop, by its key."""
    section = page.root.one("section", **{"aria-labelledby": title})
    return {hop["data-hop"]: hop["data-state"] for hop in section.all("li", css="pb-hop")}


def outcome(page: Page) -> str:
    """What becomes of a call to the number."""
    return next(line["data-outcome"] for line in page.root.all("p") if "data-outcome" in line.attrs)


def help_of(page: Page) -> str:
    return page.root.by_id(f"{page.control('number')['id']}-help").text


def test_trace_finds_a_number_as_it_is_typed_or_its_users(app: Flask, dana: Portal, cast: Cast) -> None:
    """It is in the navigation, and its former URL leads there."""
    form = dana.get("/o/acme-support/").follow("Trace a number")
    assert "(+1)" not in help_of(form)
    furnish(app, cast)
    page = form.press("Trace", number="+1 (555) 123-4567")
    assert "(+1)" in help_of(page)
    assert page.path == f"{PATH}?number=%2B1+%28555%29+123-4567"
    assert SHOWN in page.root.by_id("inbound-title").text
    assert page.root.one("a", **{"aria-current": "page"})["href"] == PATH
    former = dana.get(f"/o/acme-support/who-answers?number=%2B{NUMBER[1:]}")
    assert former.path == f"{PATH}?number=%2B{NUMBER[1:]}"
    for typed in ["12", "hello", "+1555<b>"]:
        with unchanged(app):
            page = ask(dana, typed, 422)
        assert page.error("number"), typed
        assert page.value("number") == typed, typed

    page = ask(dana, "+15557654321")
    (row,) = page.root.one("tbody").all("tr")
    provider, outbound, inbound, at_provider = row.all("td")
    assert (provider.one("a").text, len(provider.all(css="pb-warn"))) == ("Sinch", 1)
    assert (outbound.text, inbound.text, at_provider.all("a")) == ("Default", "Mo", [])
    assert page.link("Mo")["href"] == f"/o/acme-support/people/{cast.mo.id}#numbers-title"
    assert not page.has_link("Add endpoint")


def test_check_now_leads_to_repair_and_beyond_the_limit_keeps_it(
    app: Flask, cast: Cast, live: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept is the last result."""
    with scope_as(app, cast.dana) as scope:
        crud.create(scope, {"phone_number": "+15550001111", "provider": "twilio"})
    page = ask(live)
    part = page.root.by_id("answer")
    assert part["hx-trigger"] == "load"
    assert (outcome(page), hops(page)["at_provider"]) == ("unverified", "not-checked")
    requested = live.get(part["hx-get"], htmx="answer")
    assert "hx-trigger" not in requested.root.by_id("answer").attrs
    assert hops(requested)["at_provider"] == "drifted"
    page = live.get(PATH)
    assert [text.startswith(SHOWN) for text in page.rows()] == [True, False]
    assert outcome(page.follow(SHOWN)) == "failing"

    page = ask(live).follow("Check now")
    assert outcome(page) == "failing"
    assert OLD in page.notes
    assert "https://voice.acme.example/telephony/" in page.notes
    page.follow("Repair at Twilio").press("Repair at Twilio")
    page = ask(live)
    assert outcome(page) == "verified"
    assert page.notes == ""
    assert page.has_link("Check now")

    monkeypatch.setattr(gateway, "OBSERVE", replace(gateway.OBSERVE, most=1))
    page = page.follow("Check now").follow("Check again")
    assert page.root.by_id("answer").all(css="pb-warn")
    assert [*hops(page)] == ["endpoint", "provider", "agent", "at_provider", "webhook_test", "last_call"]


def test_trace_links_to_what_blocks_the_call(app: Flask, cast: Cast, live: Portal) -> None:
    live.get("/o/acme-support/providers/twilio/disable").send("Disable Twilio")
    page = ask(live)
    assert outcome(page) == "blocked"
    page.follow("Open Twilio").send("Enable")
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": None})
    page = ask(live)
    assert outcome(page) == "blocked"
    page.follow("Set the base URL").send("Save", public_base_url="https://voice.acme.example")
    assert outcome(ask(live)) == "unverified"
    with scope_as(app, cast.dana) as scope:
        row = readiness.by_number(scope, NUMBER)
        assert row
        crud.update(scope, row.id, {"inbound_agent_name": None, "outbound_agent_name": "sales"})
    page = ask(live)
    assert (outcome(page), hops(page)["agent"]) == ("outbound-only", "outbound-only")
    assert "Outbound only" in live.get("/o/acme-support/endpoints", htmx="endpoints").rows()[0]


def test_trace_of_an_unknown_number_links_to_add_and_import(live: Portal, twilio: Twilio) -> None:
    twilio.add("+15557654321")
    page = ask(live, "+15557654321")
    trace = page.follow("Search provider accounts")
    assert (trace.data("found-at"), trace.data("silent")) == (["twilio"], [])
    imported = trace.follow("Import it from Twilio")
    (row,) = imported.rows()
    assert "555-765-4321" in row
    none = ask(live, "+15550000001").follow("Search provider accounts")
    assert (none.data("found-at"), none.data("silent")) == ([], [])
    twilio.trouble = Trouble.FAULT
    silent = ask(live, "+15557654321").follow("Search provider accounts")
    assert (silent.data("found-at"), silent.data("silent")) == ([], ["twilio"])

    form = page.follow("Add endpoint")
    assert form.value("phone_number") == "+15557654321"
    form.send("Add endpoint", provider="twilio", inbound_agent_name="billing")
    assert outcome(ask(live, "+15557654321")) == "unverified"
    elsewhere = live.get(f"/o/globex/trace?number=%2B{NUMBER[1:]}")
    assert elsewhere.root.by_id("unknown-title").tag == "h2"
    assert (elsewhere.has_link("Add endpoint"), "Acme" in elsewhere.text) == (False, False)
