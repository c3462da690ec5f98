"""The callback of Sinch's application: seen as it is there, and set after a look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from app.providers import PROVIDERS
from app.services.audit.actions import Action
from app.services.drift import runs
from app.services.numbers import assignments
from app.services.providers import credentials
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
ON_IT, BARE, ELSEWHERE, GONE = (f"+1202555010{last}" for last in (1, 3, 4, 9))
PUT = "Move to this application"


@pytest.fixture
def sinch(app: Flask) -> Iterator[Sinch]:
    with Sinch() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        yield upstream


@pytest.fixture
def page(app: Flask, cast: Cast, dana: Portal, sinch: Sinch) -> Page:
    """The callback page, reached from a connection that works."""
    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["sinch"], sinch.values)
    return dana.get(PROVIDER).follow("Configure…")


def reason_of(page: Page) -> str:
    """The code of the callback's state: `in_sync`, or why it is not."""
    return next(str(tag["data-reason"]) for tag in page.root.all("span") if tag.get("data-reason"))


def step_of(page: Page) -> str:
    """The step that is next on the way to a callback that works."""
    return next(str(step["data-step"]) for step in page.root.all("li") if step.get("aria-current"))


def test_callback_is_shown_set_and_tested_without_a_signature_first(
    page: Page, sinch: Sinch, app: Flask
) -> None:
    was = sinch.urls["primary"]
    sinch.urls["fallback"] = "https://ann:sample-word@fallback.example/"
    assert page.path == PATH
    assert (step_of(page), reason_of(page)) == ("1", "nothing_expected")
    assert was in page.text
    shared = page.root.one("ul", css="pb-side-list").all("li", css="pb-num")
    assert [number.text for number in shared] == ["+1 202-555-0101", "+1 202-555-0102"]
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
    assert (step_of(page), reason_of(page)) == ("3", "in_sync")
    assert URL in page.portal.get(PROVIDER).text
    event = audit(page.portal.app)[-1]
    assert (event.action, event.subject, event.changes) == (
        "provider.pointed",
        "Sinch",
        {"callback_url": [was, URL]},
    )
    for there, reason in [("https://other.example/", "different_url"), ("", "no_webhook")]:
        sinch.urls = {"primary": there}
        drifted = page.portal.get(PATH)
        assert (step_of(drifted), reason_of(drifted), bool(drifted.notes)) == ("2", reason, True)

    dana = page.portal
    assert not page.press("Set callback…", url=URL).press("Set callback").has_button("Test webhook")
    dana.get(PROVIDER).send("Save", sinch_phone_number="+12025550101")
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


def test_set_callback_refused_changed_or_unread_keeps_the_typed_url(page: Page, sinch: Sinch) -> None:
    requested = len(sinch.requests)
    with unchanged(page.portal.app):
        wrong = page.press("Set callback…", 422, url="http://10.0.0.1/")
    assert wrong.error("url")
    assert wrong.value("url") == "http://10.0.0.1/"
    assert len(sinch.requests) == requested

    sinch.trouble = Trouble.HTML
    silent = page.portal.get(PATH)
    assert provider_messages.callback_unknown("Sinch") in silent.notes
    silent = silent.press("Set callback…", 409, url=URL)
    assert silent.value("url") == URL
    sinch.trouble = None
    confirm = silent.press("Set callback…")
    sinch.instead["POST", CALLBACKS] = error(403, 40300)
    with unchanged(page.portal.app, but=NOTED):
        refused = confirm.press("Set callback", 409)
    assert provider_messages.CALLBACK_FAILED in refused.notes
    assert refused.value("url") == URL

    sinch.instead.clear()
    confirm = refused.press("Set callback…")
    sinch.urls = {"primary": "https://other.example/"}
    again = confirm.press("Set callback", 412)
    assert messages.changed("Sinch") in again.notes
    assert "https://other.example/" in again.text
    assert sinch.urls == {"primary": "https://other.example/"}
    again.send("Set callback")
    assert sinch.urls == {"primary": URL}


def test_callback_page_needs_credentials_and_numbers_a_callback(
    app: Flask, cast: Cast, dana: Portal, sinch: Sinch
) -> None:
    assert not dana.get(PROVIDER).has_link("Configure…")
    page = dana.get(PATH)
    needed = [PROVIDERS["sinch"].field(name).label for name in ("application_key", "application_secret")]
    assert [label in page.notes for label in needed] == [True, True]
    assert page.link("Open Sinch")["href"] == PROVIDER
    assert sinch.requests == []
    dana.get("/o/acme-support/providers/twilio/callback", 404)
    assert not dana.get("/o/acme-support/providers/twilio").has_link("Configure…")

    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["sinch"], sinch.values)
        assignments.assign(scope, {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": BARE})
    listed = dana.get(PATH)
    assert reason_of(listed) == "nothing_expected"
    assert "Not checked" in listed.rows()[0]
    assert messages.callback_first("Sinch") in dana.get(f"{PATH}/numbers/{BARE}").notes


@pytest.fixture
def assigned(app: Flask, cast: Cast, page: Page) -> Portal:
    """Mo has four numbers, and all were looked at after the address was set."""
    with scope_as(app, cast.dana) as scope:
        for number in (ON_IT, BARE, ELSEWHERE, GONE):
            draft = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": number}
            assignments.assign(scope, draft)
    page.press("Set callback…", url=URL).send("Set callback")
    check(app, cast)
    return page.portal


def check(app: Flask, cast: Cast) -> None:
    with scope_as(app, cast.dana) as scope:
        runs.run(scope, app.extensions["patchbay_outbound"])


def test_users_numbers_are_listed_and_moved_after_a_confirmation(
    app: Flask, assigned: Portal, sinch: Sinch
) -> None:
    page = assigned.get(PATH)
    bare, elsewhere, gone, on_it = page.root.one("tbody").all("tr")
    assert page.data("cause") == ["no_webhook", "application_in_the_way", "number_gone", "in_sync"]
    assert [row.one("bdi").text for row in (bare, elsewhere, gone, on_it)] == ["Mo"] * 4
    assert [len(row.all("time")) for row in (bare, elsewhere, gone)] == [1, 1, 1]
    assert len(gone.all("a", href=PROVIDER)) == 1
    assert [PUT in row for row in page.rows()] == [True, True, False, False]
    for number, shown, was in (
        (BARE, "+1 202-555-0103", ""),
        (ELSEWHERE, "+1 202-555-0104", ANOTHER_KEY),
    ):
        page = assigned.get(PATH).follow(f"{PUT}: {shown}")
        assert page.title == f"Move {shown} to this application?"
        now, new = page.root.one("dl", css="pb-kv").all("dd")
        assert [code.text for code in now.all("code")] == ([was] if was else [])
        assert URL in new.text
        assert sinch.owner(number) == was
        page = page.press("Move number")
        assert shown in page.notes
        assert sinch.owner(number) == KEY
        assert sinch.urls == {"primary": URL}
        row = page.root.one("tr", **{"data-number": number})
        assert (row["data-cause"], PUT in row.text) == ("in_sync", False)
        started, event = audit(app)[-2:]
        assert (started.action, started.subject) == (Action.CHANGE_STARTED, number)
        assert (event.action, event.subject) == (Action.NUMBER_POINTED, number)
        assert event.changes == {"webhook": [None, URL], "application": [was or None, KEY]}
        assert assigned.get(f"{PATH}/numbers/{number}").data("unchanged") == [""]


def test_move_number_refused_or_changed_meanwhile_moves_nothing(
    app: Flask, assigned: Portal, sinch: Sinch
) -> None:
    form = assigned.get(PATH).follow(f"{PUT}: +1 202-555-0103")
    sinch.instead["POST", NUMBERS] = error(403, 40300)
    before = len(audit(app))
    assert messages.NOT_ATTACHED in form.press("Move number", 409).notes
    assert [event.action for event in audit(app)[before:]] == [Action.CHANGE_STARTED, Action.CHANGE_FAILED]
    sinch.instead.clear()
    next(entry for entry in sinch.owned if entry["number"] == BARE)["applicationkey"] = ANOTHER_KEY
    page = form.press("Move number", 412)
    assert messages.changed("Sinch") in page.notes
    assert ANOTHER_KEY in page.text
    assert sinch.owner(BARE) == ANOTHER_KEY
    page.send("Move number")
    assert sinch.owner(BARE) == KEY
    next(entry for entry in sinch.owned if entry["number"] == BARE)["capability"] = "sms"
    for number in (BARE, GONE):
        refused = assigned.get(f"{PATH}/numbers/{number}")
        assert (bool(refused.notes), refused.has_button("Move number")) == (True, False), number
    assigned.get(f"{PATH}/numbers/+12025550102", 404)
    assigned.get("/o/acme-support/providers/twilio/callback/numbers/+15551234567", 404)
