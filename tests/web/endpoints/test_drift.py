from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask

from app import context
from app.core import clock
from app.core.outbound.client import Outbound
from app.models import CheckRun
from app.providers import PROVIDERS
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.drift import runs
from app.services.endpoints import crud, messages
from app.services.organizations import directory
from app.services.scope import Actor
from app.services.webhooks import messages as webhook_messages
from app.web.endpoints import messages as web_messages
from devtools.html import Element, parse
from simulators.base import CANARY, Reply, Trouble
from simulators.twilio import Twilio, sample_id
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.live_numbers import add_numbers
from tests.support.pages import Page, Portal
from tests.support.rows import audit

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
def number(app: Flask, cast: Cast, twilio: Twilio) -> str:
    """The path of the endpoint's page."""
    with scope_as(app, cast.dana) as scope:
        (row_id,) = add_numbers(scope, twilio.values, NUMBER)
    return f"/o/acme-support/endpoints/{row_id}"


def check(app: Flask) -> None:
    """What the background does, immediately."""
    with app.app_context():
        scope = context.scope(Actor(name="tests"))
        for organization in directory.every(scope):
            runs.run(scope.for_organization(organization), context.outbound())


def test_repair_of_drift_from_the_overview(app: Flask, dana: Portal, twilio: Twilio, number: str) -> None:
    dana.get("/").send("Check all numbers")
    check(app)
    drifted = dana.get("/").follow("1 drifted in Acme Support")
    status = drifted.root.by_id("checks").one("span", role="status")
    assert status.one("a")["href"] == "/o/acme-support/endpoints?sync=drifted"
    assert (status.one("b").text.split()[0], len(status.all("time"))) == ("1", 2)
    assert "Wrong URL" in drifted.rows()[0]
    page = dana.get(f"{number}/provider")
    assert [code.text for code in page.root.one("section", id="at_provider").all("code")] == [OLD, URL]
    page = page.press("Repair at Twilio")
    assert NUMBER_SET in page.notes
    assert twilio.numbers[NUMBER].voice_url == URL
    (acme,) = dana.get("/").root.all("tr", **{"data-slug": "acme-support"})
    assert acme.one(css="pb-health-line").one(css="pb-figure").text.startswith("1/1 ")
    assert not acme.all("li", **{"data-finding": "drifted"})
    assert "In sync" in dana.get("/o/acme-support/endpoints").rows()[0]


def test_pages_name_the_check_that_was_not_completed(
    app: Flask, dana: Portal, twilio: Twilio, number: str
) -> None:
    """Neither the number nor the connection is judged by such a response, but it is no secret."""
    paths = (number, "/o/acme-support/providers/twilio")
    check(app)
    failures = []
    for twilio.instead in ({("GET", "/"): Reply(451, {"message": CANARY})}, {}):
        dana.get("/").send("Check all numbers")
        check(app)
        failures.append([dana.get(path).root.all("p", id="failed-run") for path in paths])
    during, after = failures
    assert ["(HTTP 451)" in line.text for lines in during for line in lines] == [True, True]
    assert after == [[], []]


def test_the_detail_page_loads_the_provider_card_and_repairs(app: Flask, dana: Portal, number: str) -> None:
    page = dana.get(number)
    assert page.root.by_id("verdict").text == "Not checked"
    assert _cards(page)[:2] == ["Webhook URL", "At Twilio"]
    assert "Not checked" in dana.get("/o/acme-support/endpoints").rows()[0]
    card = page.root.by_id("history")
    assert (card["hx-get"], card["hx-trigger"]) == (number, "changed from:body")
    assert page.root.one("section", id="at_provider")["hx-get"] == f"{number}/provider"
    answer = dana.raw("GET", f"{number}/provider", headers=HX)
    assert answer.text.lstrip().startswith('<section class="pb-card')
    assert 'id="verdict" hx-swap-oob="true"' in answer.text
    assert OLD in parse(answer.text).text
    assert "<!doctype" not in answer.text
    assert answer.headers["HX-Trigger"] == "checked"
    page = dana.get(number)
    assert page.root.by_id("verdict").text == "Wrong URL"
    assert _cards(page)[:2] == ["At Twilio", "Webhook URL"]
    assert "Wrong URL" in dana.get("/o/acme-support/endpoints").rows()[0]

    page = dana.get(f"{number}/provider", htmx="at_provider").press("Repair at Twilio", htmx="at_provider")
    assert page.answer.headers["HX-Trigger"] == "changed"
    assert NUMBER_SET in page.notes
    assert page.root.by_id("verdict").text == "In sync"
    part = dana.get(number, htmx="history")
    assert [child["id"] for child in part.root.children if not isinstance(child, str)] == ["history"]
    assert part.data("action") == [Action.NUMBER_POINTED, Action.ENDPOINT_CREATED]
    assert Action.CHANGE_STARTED in [event.action for event in audit(app)]


def test_the_history_leaves_out_the_start_of_a_finished_change(
    app: Flask, dana: Portal, cast: Cast, number: str
) -> None:
    """One change was made, one was broken off, and one failed."""
    started, set_ = Action.CHANGE_STARTED, Action.NUMBER_POINTED
    with scope_as(app, cast.dana) as scope, scope.transaction():
        for action in (started, set_, started, started, Action.CHANGE_FAILED):
            log.note(scope, action, NUMBER, {} if action == set_ else {"change": [None, set_.label]})
    shown = dana.get(number, htmx="history").data("action")
    assert shown == [Action.CHANGE_FAILED, started, set_, Action.ENDPOINT_CREATED]


def test_nothing_moves_when_the_card_of_the_provider_is_read(
    app: Flask, dana: Portal, twilio: Twilio, number: str, *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """The card has the parts of the one that replaces it; what differs between numbers is folded.

    Of a number that was never read, those of one that has to be set up. Thorough, with every difference.
    """
    at_provider: list[dict[str, str]] = [
        {"voice_url": OLD},
        {"voice_url": URL},
        {"voice_url": URL, "voice_fallback_url": OLD},
        {"voice_url": URL, "voice_application_sid": sample_id("AP")},
        {"voice_url": URL, "trunk_sid": sample_id("TK")},
    ]
    read = _card(dana.get(number)), _card(dana.get(f"{number}/provider", htmx="at_provider"))
    assert _shape(read[0]) == _shape(read[1])
    for values in at_provider if thorough else at_provider[1::3]:
        with subtests.test(values=values):
            for name, value in ({"trunk_sid": "", "voice_application_sid": ""} | values).items():
                setattr(twilio.numbers[NUMBER], name, value)
            _same_parts(dana, number)
    del twilio.numbers[NUMBER]
    assert "delete the endpoint" in _same_parts(dana, number).text


def _same_parts(dana: Portal, number: str) -> Element:
    """The card with what was read last, which is read again as the page is opened."""
    read, stored = _card(dana.get(f"{number}/provider", htmx="at_provider")), _card(dana.get(number))
    assert _shape(stored) == _shape(read)
    assert stored.all("p")[0].text == read.all("p")[0].text
    return stored


def _card(page: Page) -> Element:
    return page.root.one("section", id="at_provider")


def _shape(card: Element) -> list[str]:
    """The parts of the card, a list by its terms; folded parts do not count."""
    parts = [child for child in card.children if not isinstance(child, str)]
    return [
        " ".join([part.tag, *(term.text for term in part.all("dt") if part.tag == "dl")]) for part in parts
    ]


def _cards(page: Page) -> list[str]:
    """The headings below the path, from the top."""
    main = page.root.one("div", css="pb-cols-main")
    return [heading.text for heading in main.all("h2")]


def test_another_agent_leads_to_the_webhook_update(dana: Portal, twilio: Twilio, number: str) -> None:
    form = f"/o/acme-support/endpoints?edit={number.rsplit('/', 1)[1]}"
    for htmx, agent in ((None, "billing"), ("endpoints", "sales")):
        dana.get(f"{number}/provider").send("Repair at Twilio")
        page = dana.get(form, htmx=htmx).press("Save", htmx=htmx, inbound_agent_name=agent)
        assert messages.webhook_is_old("Twilio") in page.notes
        assert "Not checked" in page.rows()[0]
    page.follow("Set it at Twilio").send("Repair at Twilio")
    assert twilio.numbers[NUMBER].voice_url.endswith("/sales")
    page = dana.get(form, htmx="endpoints").press("Save", htmx="endpoints", label="Desk")
    assert messages.webhook_is_old("Twilio") not in page.notes
    assert "In sync" in page.rows()[0]


def test_repair_after_a_change_confirms_again(dana: Portal, twilio: Twilio, number: str) -> None:
    page = dana.get(f"{number}/provider")
    twilio.numbers[NUMBER].voice_url = "https://newer.example/x"
    page = page.press("Repair at Twilio", 412)
    assert webhook_messages.changed("Twilio") in page.notes
    assert "https://newer.example/x" in page.text
    assert twilio.numbers[NUMBER].voice_url == "https://newer.example/x"
    removed = {"trunk_sid": sample_id("TK"), "voice_application_sid": sample_id("AP")}
    for name, kind in (("trunk_sid", "trunk"), ("voice_application_sid", "application")):
        setattr(twilio.numbers[NUMBER], name, removed[name])
        page = dana.get(f"{number}/provider")
        assert page.data("removes") == [kind]
        setattr(twilio.numbers[NUMBER], name, "")
    page = dana.get(f"{number}/provider")
    assert page.data("removes") == []
    assert NUMBER_SET in page.press("Repair at Twilio").notes


def test_what_cannot_be_repaired_leads_elsewhere(
    app: Flask, cast: Cast, dana: Portal, twilio: Twilio, number: str
) -> None:
    with scope_as(app, cast.dana) as scope:
        payload = {"phone_number": "+918047112345", "provider": "exotel", "inbound_agent_name": "collections"}
        added = crud.create(scope, payload)
    page = dana.get(f"/o/acme-support/endpoints/{added.id}/provider")
    card = page.root.one("section", id="at_provider")
    assert [item.text for item in card.one("ol").all("li")] == list(PROVIDERS["exotel"].webhook_steps)
    assert "POST" not in card.text
    assert not page.has_button("Set webhook at Exotel")
    assert page.data("answered") == []
    assert page.follow("Open Exotel").path == "/o/acme-support/providers/exotel"

    del twilio.numbers[NUMBER]
    page = dana.get(f"{number}/provider")
    assert page.follow("delete the endpoint").path == f"{number}/delete"
    assert page.link("change the connection")["href"] == "/o/acme-support/providers/twilio"
    assert page.data("answered") == ["yes"]
    twilio.trouble = Trouble.FAULT
    page = dana.get(f"{number}/provider")
    assert "api.twilio.com" in page.root.one("section", id="at_provider").one(role="status").text
    assert page.root.one("section", id="at_provider").all("code") == []
    assert page.data("answered") == ["no"]
    assert not page.has_button("Repair at Twilio")
    assert dana.get(number).status == 200


def test_check_of_one_or_all_organizations_shows_progress(
    app: Flask, dana: Portal, number: str, cast: Cast
) -> None:
    assert dana.get("/o/acme-support/endpoints?sync=drifted").has_link("Clear filters")
    headers = {"HX-Request": "true", "HX-Target": "checks", "X-CSRFToken": dana.token()}
    started = dana.raw("POST", "/o/acme-support/check", headers=headers)
    assert "sync=drifted" not in started.text
    assert "HX-Trigger" not in started.headers
    check(app)
    done = dana.raw("GET", "/o/acme-support/check", headers=headers)
    assert "sync=drifted" in done.text
    assert done.headers["HX-Trigger"] == "checked"
    for health, count in [("drifted", 1), ("different_url", 1), ("no_webhook", 0), ("not_checked", 0)]:
        listed = dana.get(f"/o/acme-support/endpoints?sync={health}", htmx="endpoints")
        assert len(listed.rows()) == count, health

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
        run = {"leased_until": later, "finished_at": None, "done": 40, "total": 1200}
        scope.session.merge(CheckRun(organization_id=cast.acme, provider="twilio", **run))
    running = dana.get("/check?again=0")
    bar = running.root.one("progress")
    assert (bar["value"], bar["max"]) == ("40", "1200")
    assert "HX-Trigger" not in running.answer.headers
    assert running.root.by_id("checks")["hx-get"] == "/check?again=5"
    assert dana.get("/").root.one("progress")["value"] == "40"


def test_change_of_a_line_updates_the_counts_beside_it(app: Flask, dana: Portal, number: str) -> None:
    """Without the table, in which another line may be edited."""
    dana.get("/o/acme-support/endpoints").send("Check all numbers")
    check(app)
    table = dana.get("/o/acme-support/endpoints").root
    strip, toggle = table.by_id("checks"), table.one("button", css="pb-toggle")
    assert strip["hx-trigger"] == "changed from:body"
    headers = {"HX-Request": "true", "HX-Target": f"endpoint-{number.rpartition('/')[2]}"}
    submitted = {"csrf_token": dana.token(), "active": "no", "confirmed": "yes"}
    switched = dana.raw("POST", str(toggle["formaction"]), data=submitted, headers=headers)
    assert switched.headers["HX-Trigger"] == "changed"
    counts = dana.raw("GET", str(strip["hx-get"]), headers={"HX-Request": "true", "HX-Target": "checks"})
    assert "sync=drifted" not in counts.text
    assert "HX-Trigger" not in counts.headers
