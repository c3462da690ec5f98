"""The callback of Sinch's application: seen as it is there, and set after a look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.services.drift import runs
from app.services.numbers import assignments
from app.services.webhooks import messages
from app.web.providers import messages as provider_messages
from simulators.base import Trouble
from simulators.sinch import ANOTHER_KEY, CALLBACKS, KEY, NUMBERS, Sinch, error
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged
from tests.support.runtimes import Runtime, Said

PROVIDER = "/o/acme-support/providers/sinch"
PATH = f"{PROVIDER}/callback"
URL = "https://dialer.example.com/sinch/callback?tenant=acme"
NOTED = ("throttles", "audit_events", "checks")


@pytest.fixture
def sinch(app: Flask) -> Iterator[Sinch]:
    with Sinch() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


@pytest.fixture
def page(dana: Portal, sinch: Sinch) -> Page:
    """The callback page, reached from a connection that works."""
    typed = {f"sinch_{name}": value for name, value in sinch.values.items()}
    return dana.get(PROVIDER).press("Save", **typed).follow("Configure…")


def reason_of(page: Page) -> str:
    """The code of the callback's state: `in_sync`, or why it is not."""
    return next(str(tag["data-reason"]) for tag in page.root.all("span") if tag.get("data-reason"))


def step_of(page: Page) -> str:
    """The step that is next on the way to a callback that works."""
    return next(str(step["data-step"]) for step in page.root.all("li") if step.get("aria-current"))


def test_callback_page_leads_from_step_to_step(page: Page, sinch: Sinch) -> None:
    assert step_of(page) == "1"
    page = page.press("Set callback…", url=URL).press("Set callback")
    assert step_of(page) == "3"
    sinch.urls = {"primary": "https://other.example/"}
    assert step_of(page.portal.get(PATH)) == "2"


def test_callback_is_shown_set_and_shown_again(page: Page, sinch: Sinch) -> None:
    was = sinch.urls["primary"]
    sinch.urls["fallback"] = "https://ann:sample-word@fallback.example/"
    assert page.path == PATH
    assert reason_of(page) == "nothing_expected"
    assert was in page.text
    assert "+1 202-555-0101 +1 202-555-0102" in page.text
    assert page.value("url") == ""
    page = page.press("Set callback…", url=URL)
    assert page.title == "Set the Sinch callback?"
    for said in (was, URL, "+1 202-555-0101", "https://…@fallback.example/"):
        assert said in page.text
    assert "sample-word" not in page.source
    assert sinch.urls["primary"] == was
    page = page.press("Set callback")
    assert provider_messages.callback_set("Sinch") in page.notes
    assert sinch.urls == {"primary": URL, "fallback": "https://ann:sample-word@fallback.example/"}
    assert (page.path, page.value("url")) == (PATH, URL)
    assert reason_of(page) == "in_sync"
    assert URL in page.portal.get(PROVIDER).text
    event = audit(page.portal.app)[-1]
    assert (event.action, event.subject, event.changes) == (
        "provider.pointed",
        "Sinch",
        {"callback_url": [was, URL]},
    )


def test_callback_page_shows_drift(page: Page, sinch: Sinch) -> None:
    page = page.press("Set callback…", url=URL).press("Set callback")
    for there, reason in [("https://other.example/", "different_url"), ("", "no_webhook")]:
        sinch.urls = {"primary": there}
        drifted = page.portal.get(PATH)
        assert (reason_of(drifted), bool(drifted.notes)) == (reason, True)


def test_set_callback_after_a_change_confirms_again(page: Page, sinch: Sinch) -> None:
    page = page.press("Set callback…", url=URL)
    sinch.urls = {"primary": "https://other.example/"}
    page = page.press("Set callback", 412)
    assert messages.changed("Sinch") in page.notes
    assert "https://other.example/" in page.text
    assert sinch.urls == {"primary": "https://other.example/"}
    page.press("Set callback")
    assert sinch.urls == {"primary": URL}


def test_set_callback_with_an_invalid_url_shows_the_error(page: Page, sinch: Sinch) -> None:
    requested = len(sinch.requests)
    with unchanged(page.portal.app):
        page = page.press("Set callback…", 422, url="http://10.0.0.1/")
    assert "https://" in page.error("url")
    assert page.value("url") == "http://10.0.0.1/"
    assert len(sinch.requests) == requested


def test_set_callback_refused_keeps_the_typed_url(page: Page, sinch: Sinch) -> None:
    page = page.press("Set callback…", url=URL)
    sinch.instead["POST", CALLBACKS] = error(403, 40300)
    with unchanged(page.portal.app, but=NOTED):
        page = page.press("Set callback", 409)
    assert "was not set." in page.notes
    assert page.value("url") == URL


def test_callback_page_without_a_response_still_works(page: Page, sinch: Sinch) -> None:
    sinch.trouble = Trouble.HTML
    page = page.portal.get(PATH)
    assert provider_messages.callback_unknown("Sinch") in page.notes
    page = page.press("Set callback…", 409, url=URL)
    assert page.value("url") == URL
    sinch.trouble = None
    assert page.press("Set callback…").title == "Set the Sinch callback?"


def test_callback_page_without_credentials_links_to_them(dana: Portal, sinch: Sinch) -> None:
    assert not dana.get(PROVIDER).has_link("Configure…")
    page = dana.get(PATH)
    assert "It needs Application key, Application secret." in page.notes
    assert page.has_link("Open Sinch")
    assert sinch.requests == []


def test_callback_page_of_another_provider_is_not_found(dana: Portal, sinch: Sinch) -> None:
    dana.get("/o/acme-support/providers/twilio/callback", 404)
    assert "Callback" not in dana.get("/o/acme-support/providers/twilio").text


ON_IT, BARE, ELSEWHERE, GONE = (f"+1202555010{last}" for last in (1, 3, 4, 9))
PUT = "Move to this application"


@pytest.fixture
def given(app: Flask, cast: Cast, page: Page) -> Portal:
    """Mo has four numbers, and all were looked at after the address was set."""
    with scope_as(app, cast.dana) as scope:
        for number in (ON_IT, BARE, ELSEWHERE, GONE):
            draft = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number}
            assignments.assign(scope, draft)
    page.press("Set callback…", url=URL).press("Set callback")
    check(app, cast)
    return page.portal


def check(app: Flask, cast: Cast) -> None:
    with scope_as(app, cast.dana) as scope:
        runs.run(scope, app.extensions["patchbay_outbound"])


def test_callback_page_lists_users_numbers_with_their_state(app: Flask, cast: Cast, given: Portal) -> None:
    page = given.get(PATH)
    bare, elsewhere, gone, on_it = page.rows()
    assert all("Mo" in row for row in page.rows())
    assert ("No webhook set" in bare, "App overrides" in elsewhere) == (True, True)
    assert "In sync" in on_it
    assert all("since" in row for row in (bare, elsewhere, gone))
    assert "Check the Sinch console" in gone
    assert [PUT in row for row in page.rows()] == [True, True, False, False]


@pytest.mark.parametrize(
    ("number", "shown", "now"),
    [(BARE, "+1 202-555-0103", "On no application"), (ELSEWHERE, "+1 202-555-0104", ANOTHER_KEY)],
)
def test_move_number_confirms_first(
    app: Flask, given: Portal, sinch: Sinch, *, number: str, shown: str, now: str
) -> None:
    page = given.get(PATH).follow(f"{PUT}: {shown}")
    assert page.title == f"Move {shown} to this application?"
    assert now in page.text
    assert URL in page.text
    assert sinch.owner(number) == (ANOTHER_KEY if number == ELSEWHERE else "")
    page = page.press("Move number")
    assert f"{shown} moved to this application." in page.notes
    assert sinch.owner(number) == KEY
    assert sinch.urls == {"primary": URL}
    (row,) = (row for row in page.rows() if shown in row)
    assert "In sync" in row
    assert PUT not in row
    started, event = audit(app)[-2:]
    assert (started.action, started.subject) == ("provider-change.started", number)
    before = ANOTHER_KEY if number == ELSEWHERE else None
    assert (event.action, event.subject) == ("number.pointed", number)
    assert event.changes == {"webhook": [None, URL], "application": [before, KEY]}
    assert "No changes needed" in given.get(f"{PATH}/numbers/{number}").text


def test_move_number_after_a_change_confirms_again(given: Portal, sinch: Sinch) -> None:
    page = given.get(PATH).follow(f"{PUT}: +1 202-555-0103")
    next(entry for entry in sinch.owned if entry["number"] == BARE)["applicationkey"] = ANOTHER_KEY
    page = page.press("Move number", 412)
    assert messages.changed("Sinch") in page.notes
    assert ANOTHER_KEY in page.text
    assert sinch.owner(BARE) == ANOTHER_KEY
    page.press("Move number")
    assert sinch.owner(BARE) == KEY


def test_move_number_refused_is_recorded_as_such(app: Flask, given: Portal, sinch: Sinch) -> None:
    page = given.get(PATH).follow(f"{PUT}: +1 202-555-0103")
    sinch.instead["POST", NUMBERS] = error(403, 40300)
    count = len(audit(app))
    page = page.press("Move number", 409)
    assert messages.NOT_ATTACHED in page.notes
    assert [event.action for event in audit(app)[count:]] == [
        "provider-change.started",
        "provider-change.failed",
    ]
    next(entry for entry in sinch.owned if entry["number"] == BARE)["capability"] = "sms"
    assert "not for voice calls" in given.get(f"{PATH}/numbers/{BARE}").notes
    assert "does not have this number" in given.get(f"{PATH}/numbers/{GONE}").notes
    given.get(f"{PATH}/numbers/+12025550102", 404)
    given.get("/o/acme-support/providers/twilio/callback/numbers/+15551234567", 404)


def test_move_number_without_a_callback_is_refused(app: Flask, cast: Cast, page: Page) -> None:
    with scope_as(app, cast.dana) as scope:
        assignments.assign(scope, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": BARE})
    listed = page.portal.get(PATH)
    assert reason_of(listed) == "nothing_expected"
    assert "Not checked" in listed.rows()[0]
    assert messages.callback_first("Sinch") in page.portal.get(f"{PATH}/numbers/{BARE}").notes


def test_callback_is_tested_without_a_signature_first(app: Flask, page: Page, sinch: Sinch) -> None:
    dana = page.portal
    assert not page.press("Set callback…", url=URL).press("Set callback").has_button("Test webhook")
    dana.get(PROVIDER).press("Save", sinch_phone_number="+12025550101")
    with Runtime(Said(401, "")) as runtime:
        upstreams = sinch.upstreams | {"dialer.example.com": runtime.base}
        app.extensions["patchbay_outbound"] = Outbound(upstreams, deadline=2.0)
        tested = dana.get(PATH).press("Test webhook")
        assert len(runtime.got) == 1
        assert tested.root.by_id("webhook_test").one("p", role="status")["data-code"] == "refused"
        confirm = tested.follow("Test as a call…")
        assert URL in confirm.text
        confirm.press("Send three requests")
        assert "Authorization" in runtime.got[-1].headers
