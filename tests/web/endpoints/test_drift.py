from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from app import background, context
from app.core import clock
from app.core.outbound.client import Outbound
from app.models import CheckRun
from app.services.drift import runs, standing
from app.services.endpoints import messages
from app.services.organizations import directory
from app.services.scope import Actor
from app.web.endpoints import messages as web_messages
from devtools.html import parse
from simulators.base import CANARY, Reply, Trouble
from simulators.twilio import Twilio, sample_id
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal

NUMBER = "+15551234567"
NUMBER_SET = web_messages.webhook_set("Twilio", "+1 555-123-4567")
OLD = "https://old.example/x"
URL = "https://voice.acme.example/telephony/twilio/inbound/support"
HX = {"HX-Request": "true", "HX-Target": "at_provider"}


@pytest.fixture
def twilio(app: Flask) -> Iterator[Twilio]:
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        upstream.numbers[NUMBER].voice_url = OLD
        yield upstream


@pytest.fixture
def number(dana: Portal, twilio: Twilio) -> str:
    """The path of the endpoint's page."""
    dana.get("/o/acme-support/settings").press("Save", public_base_url="https://voice.acme.example")
    typed = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    dana.get("/o/acme-support/providers/twilio").press("Save", **typed)
    page = dana.get("/o/acme-support/endpoints/new")
    added = page.press("Add endpoint", phone_number=NUMBER, provider="twilio", inbound_agent_name="support")
    return added.path


def check(app: Flask) -> None:
    """What the background does, immediately."""
    with app.app_context():
        scope = context.scope(Actor(name="tests"))
        for organization in directory.every(scope):
            runs.run(scope.for_organization(organization), context.outbound())


def test_repair_of_drift_from_the_overview(app: Flask, dana: Portal, twilio: Twilio, number: str) -> None:
    dana.get("/").press("Check all numbers")
    check(app)
    drifted = dana.get("/").follow("1 drifted in Acme Support")
    assert "1 number drifted since" in drifted.text
    assert "Wrong URL" in drifted.text
    page = dana.get(f"{number}/provider")
    assert OLD in page.text
    assert URL in page.text
    page = page.press("Repair at Twilio")
    assert NUMBER_SET in page.notes
    assert twilio.numbers[NUMBER].voice_url == URL
    assert "drifted" not in dana.get("/").text
    assert "1/1 healthy" in dana.get("/").text
    assert "In sync" in dana.get("/o/acme-support/endpoints").text


def test_pages_name_the_check_that_was_not_completed(
    app: Flask, dana: Portal, twilio: Twilio, number: str
) -> None:
    """Neither the number nor the connection is judged by such a response, but it is no secret."""
    paths = (number, "/o/acme-support/providers/twilio")
    check(app)
    found = []
    for twilio.instead in ({("GET", "/"): Reply(451, {"message": CANARY})}, {}):
        dana.get("/").press("Check all numbers")
        check(app)
        found.append([dana.get(path).root.all("p", id="failed-run") for path in paths])
    during, after = found
    assert ["(HTTP 451)" in line.text for lines in during for line in lines] == [True, True]
    assert after == [[], []]


def test_repair_by_htmx_reloads_the_history(dana: Portal, number: str) -> None:
    card = dana.get(number).root.by_id("history")
    assert (card["hx-get"], card["hx-trigger"]) == (number, "changed from:body")
    page = dana.get(f"{number}/provider", htmx="at_provider")
    assert page.answer.headers["HX-Trigger"] == "checked"
    page = page.press("Repair at Twilio", htmx="at_provider")
    assert page.answer.headers["HX-Trigger"] == "changed"
    assert NUMBER_SET in page.notes
    assert "In sync" in page.text
    part = dana.get(number, htmx="history")
    assert [child["id"] for child in part.root.children if not isinstance(child, str)] == ["history"]
    assert "Webhook set at the provider" in part.text


def test_the_detail_page_loads_the_provider_card(dana: Portal, number: str) -> None:
    page = dana.get(number)
    assert page.root.one("section", id="at_provider")["hx-get"] == f"{number}/provider"
    part = dana.raw("GET", f"{number}/provider", headers=HX)
    assert part.text.lstrip().startswith('<section class="pb-card')
    assert 'id="verdict" hx-swap-oob="true"' in part.text
    assert OLD in parse(part.text).text
    assert "<!doctype" not in part.text


def _cards(page: Page) -> list[str]:
    """The headings below the path, from the top."""
    main = page.root.one("div", css="pb-cols-main")
    return [heading.text for heading in main.all("h2")]


def test_the_verdict_is_the_same_everywhere(dana: Portal, number: str) -> None:
    page = dana.get(number)
    assert page.root.by_id("verdict").text == "Not checked"
    assert _cards(page)[:2] == ["Webhook URL", "At Twilio"]
    assert "Not checked" in dana.get("/o/acme-support/endpoints").rows()[0]
    dana.get(f"{number}/provider")
    page = dana.get(number)
    assert page.root.by_id("verdict").text == "Wrong URL"
    assert _cards(page)[:2] == ["At Twilio", "Webhook URL"]
    assert "Wrong URL" in dana.get("/o/acme-support/endpoints").rows()[0]


@pytest.mark.parametrize("htmx", [None, "endpoints"], ids=["plain", "htmx"])
def test_another_agent_leads_to_the_webhook_update(
    dana: Portal, twilio: Twilio, number: str, htmx: str | None
) -> None:
    dana.get(f"{number}/provider").press("Repair at Twilio")
    assert "In sync" in dana.get("/o/acme-support/endpoints").rows()[0]
    form = dana.get(f"/o/acme-support/endpoints?edit={number.rsplit('/', 1)[1]}", htmx=htmx)
    page = form.press("Save", htmx=htmx, inbound_agent_name="billing")
    assert messages.webhook_is_old("Twilio") in page.notes
    assert "Not checked" in page.rows()[0]
    page = page.follow("Set it at Twilio").press("Repair at Twilio")
    assert twilio.numbers[NUMBER].voice_url.endswith("/billing")
    page = dana.get("/o/acme-support/endpoints").follow("Edit +1 555-123-4567").press("Save", label="Desk")
    assert page.notes == "Done: +1 555-123-4567 saved. Undo"


def test_repair_after_a_change_confirms_again(dana: Portal, twilio: Twilio, number: str) -> None:
    page = dana.get(f"{number}/provider")
    twilio.numbers[NUMBER].voice_url = "https://newer.example/x"
    page = page.press("Repair at Twilio", 412)
    assert "changed since this page was opened" in page.notes
    assert "https://newer.example/x" in page.text
    assert twilio.numbers[NUMBER].voice_url == "https://newer.example/x"
    assert NUMBER_SET in page.press("Repair at Twilio").notes


def test_the_page_names_the_override_that_repair_removes(dana: Portal, twilio: Twilio, number: str) -> None:
    twilio.numbers[NUMBER].trunk_sid = sample_id("TK")
    assert "removes the number from the SIP trunk" in dana.get(f"{number}/provider").text
    twilio.numbers[NUMBER].trunk_sid = ""
    twilio.numbers[NUMBER].voice_application_sid = sample_id("AP")
    assert "removes the application from the number" in dana.get(f"{number}/provider").text


def test_number_not_in_the_account_links_to_delete(dana: Portal, twilio: Twilio, number: str) -> None:
    del twilio.numbers[NUMBER]
    page = dana.get(f"{number}/provider")
    assert "released or moved to another account" in page.text
    assert page.follow("delete the endpoint").path == f"{number}/delete"


def test_without_a_response_the_page_still_works(dana: Portal, twilio: Twilio, number: str) -> None:
    twilio.trouble = Trouble.FAULT
    page = dana.get(f"{number}/provider")
    assert "is having problems" in page.text
    assert not page.has_button("Repair at Twilio")
    assert dana.get(number).status == 200


def test_manual_setup_is_shown_if_the_api_cannot_set_it(dana: Portal, number: str) -> None:
    added = dana.get("/o/acme-support/endpoints/new").press(
        "Add endpoint", phone_number="+918047112345", provider="exotel", inbound_agent_name="collections"
    )
    page = dana.get(f"{added.path}/provider")
    assert "Manual setup" in page.text
    assert "with POST" not in page.text
    assert not page.has_button("Set webhook at Exotel")


def test_check_shows_progress_and_triggers_the_table(app: Flask, dana: Portal, number: str) -> None:
    headers = {"HX-Request": "true", "HX-Target": "checks", "X-CSRFToken": dana.token()}
    started = dana.raw("POST", "/o/acme-support/check", headers=headers)
    assert "Not checked yet" in started.text
    assert "HX-Trigger" not in started.headers
    check(app)
    done = dana.raw("GET", "/o/acme-support/check", headers=headers)
    assert "sync=drifted" in done.text
    assert done.headers["HX-Trigger"] == "checked"


def test_table_filters_drifted_numbers_once_checked(app: Flask, dana: Portal, number: str) -> None:
    assert dana.get("/o/acme-support/endpoints?sync=drifted").has_link("Clear filters")
    check(app)
    for health, count in [("drifted", 1), ("different_url", 1), ("no_webhook", 0), ("not_checked", 0)]:
        assert len(dana.get(f"/o/acme-support/endpoints?sync={health}").rows()) == count, health


def test_background_checks_a_changed_number(app: Flask, twilio: Twilio, dana: Portal, number: str) -> None:
    checker = background.Checker(app)
    with app.app_context():
        scope = context.scope(Actor(name="tests"))
        organization = directory.by_slug(scope, "acme-support")
        checker.queue(organization.id)
        checker.idle.wait(20)
        scope.end_read()
        found = standing.of(replace(scope, organization_or_none=organization))
    assert (found.tally.drifted, found.tally.due) == (1, 0)


def test_check_everywhere_shows_progress(app: Flask, dana: Portal, cast: Cast, number: str) -> None:
    strip = dana.get("/").press("Check all numbers", htmx="checks").root.by_id("checks")
    assert strip.one("span", role="status")["data-due"] == "1"
    looked = 0
    while "hx-get" in strip.attrs:
        answer = dana.get(strip["hx-get"], htmx="checks")
        strip, looked = answer.root.by_id("checks"), looked + 1
    assert looked == 4
    assert answer.answer.headers["HX-Trigger"] == "checked"
    with scope_as(app, cast.dana) as scope, scope.transaction():
        later = clock.now() + timedelta(minutes=1)
        run = {"leased_until": later, "done": 40, "total": 1200}
        scope.session.merge(CheckRun(organization_id=cast.acme, provider="twilio", **run))
    running = dana.get("/check?again=0")
    assert "40 of 1,200 in 1 organization" in running.text
    assert "HX-Trigger" not in running.answer.headers
    assert running.root.by_id("checks")["hx-get"] == "/check?again=5"
    assert "40 of 1,200" in dana.get("/").text
