"""Configure webhook for many numbers: offered, confirmed, shown, stopped, undone; and cleared on delete."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask

from app.core.outbound.client import Outbound
from simulators.base import Reply, Request
from simulators.twilio import Twilio
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.live_numbers import add_numbers
from tests.support.pages import Page, Portal
from tests.web.endpoints.test_bulk import PATH, chosen, confirmed

SETTINGS = "/o/acme-support/settings"
BASE = "https://voice.acme.example"
NEW = "https://new.acme.example"
VAPI = "https://api.vapi.ai/twilio/inbound_call"
NUMBERS = ["+15551234567", "+15551234568", "+15551234569"]
SECONDS = 30


def url(base: str, agent: str = "support") -> str:
    return f"{base}/telephony/twilio/inbound/{agent}"


@pytest.fixture
def twilio(app: Flask, cast: Cast) -> Iterator[Twilio]:
    """Three numbers that call what they should, and the third one a known service."""
    with Twilio() as upstream:
        app.extensions["patchbay_outbound"] = Outbound(upstream.upstreams, deadline=2.0)
        with scope_as(app, cast.dana) as scope:
            add_numbers(scope, upstream.values, *NUMBERS)
        for number in NUMBERS:
            upstream.numbers[number].voice_url = url(BASE)
        upstream.numbers[NUMBERS[2]].voice_url = VAPI
        yield upstream


def ended(page: Page) -> Page:
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(SECONDS)
    return page.portal.get(page.path)


def codes(page: Page) -> dict[str, str | None]:
    rows = [row for row in page.root.all("tr") if row.get("data-number")]
    return {str(row["data-number"]): row["data-code"] for row in rows}


def called(twilio: Twilio) -> list[str]:
    return [twilio.numbers[number].voice_url for number in NUMBERS]


def test_a_change_of_the_base_url_or_agent_offers_to_configure(
    dana: Portal, twilio: Twilio, *, thorough: bool
) -> None:
    """Thorough, what it did is undone, and done again for known services too."""
    saved = dana.get(SETTINGS).press("Save", public_base_url=NEW).press("Change the base URL")
    page = ended(confirmed(saved.follow("Configure webhooks…")))
    assert page.root.by_id("job")["data-state"] == "done"
    assert list(codes(page).values()) == ["known_taker", "in_sync", "in_sync"]
    assert called(twilio) == [url(NEW), url(NEW), VAPI]

    undo = page.follow("Undo for 2 numbers…")
    if thorough:
        undone = ended(confirmed(undo))
        assert set(codes(undone).values()) == {"restored"}
        assert called(twilio) == [url(BASE), url(BASE), VAPI]
        again = chosen(dana, "configure", all_=True)
        ended(confirmed(again, replace_services="y"))
        assert called(twilio) == [url(NEW)] * 3
    third = called(twilio)[2]

    form = dana.get(PATH)
    ids = [tick["value"] for tick in form.root.all("input", name="id")][:2]
    changed = confirmed(chosen(dana, "inbound_agent_name", ids=ids), inbound_agent_name="sales")
    page = ended(confirmed(changed.follow("Configure webhooks…")))
    assert len(codes(page)) == 2
    assert sorted(called(twilio)) == sorted([url(NEW, "sales")] * 2 + [third])


def test_job_can_be_stopped_from_its_page(dana: Portal, gus: Portal, twilio: Twilio) -> None:
    reached, go_on, answer = threading.Event(), threading.Event(), twilio.answer

    def hold_reply(request: Request) -> Reply:
        if request.method == "POST":
            reached.set()
            assert go_on.wait(SECONDS)
        return answer(request)

    twilio.answer = hold_reply  # type: ignore[method-assign]
    for number in NUMBERS:
        twilio.numbers[number].voice_url = "https://old.example/"
    page = confirmed(chosen(dana, "configure", all_=True))
    assert reached.wait(SECONDS)
    block = dana.get(page.path, htmx="job").root.by_id("job")
    assert (block["data-state"], block["hx-get"]) == ("running", page.path)
    refused = chosen(dana, "configure", all_=True)
    confirmed(refused, 409)
    stopping = dana.get(page.path).press("Stop")
    assert not stopping.has_button("Stop")
    go_on.set()
    stopped = ended(page)
    assert stopped.root.by_id("job")["data-state"] == "stopped"
    assert len(codes(stopped)) == 1
    gus.get(page.path.replace("acme-support", "globex"), 404)


def test_delete_clears_the_webhook_if_that_is_ticked(dana: Portal, twilio: Twilio) -> None:
    ids = [str(tick["value"]) for tick in dana.get(PATH).root.all("input", name="id")]
    dana.get(f"{PATH}/{ids[0]}/delete").send("Delete endpoint")
    assert called(twilio) == [url(BASE), url(BASE), VAPI]
    twilio.instead = {("POST", "IncomingPhoneNumbers"): Reply(403, {"code": 20003})}
    done = dana.get(f"{PATH}/{ids[1]}/delete").press("Delete endpoint", clear_webhook="y")
    assert problems(done) == [False, True], "that it is deleted, and that it was not cleared"
    assert (len(done.rows()), called(twilio).count("")) == (1, 0)
    twilio.instead = {}
    twilio.numbers[NUMBERS[2]].voice_url = url(BASE)
    done = dana.get(f"{PATH}/{ids[2]}/delete").press("Delete endpoint", clear_webhook="y")
    assert (problems(done), called(twilio).count("")) == ([False, False], 1)
    assert not done.root.all("div", css="pb-warn")


def test_delete_names_the_host_that_a_number_still_calls(dana: Portal, twilio: Twilio) -> None:
    """A webhook that is not the endpoint's is no cleared one."""
    ids = [str(tick["value"]) for tick in dana.get(PATH).root.all("input", name="id")]
    for settings in twilio.numbers.values():
        settings.voice_url = "https://earlier.example/inbound?key=sample"
    done = dana.get(f"{PATH}/{ids[0]}/delete").press("Delete endpoint", clear_webhook="y")
    (note,) = [
        note.text for note in done.root.all("div", css="pb-note") if "pb-warn" in note["class"].split()
    ]
    assert "earlier.example" in note
    assert "sample" not in note


def problems(page: Page) -> list[bool]:
    """Of each note, whether it reports a problem."""
    return ["pb-bad" in note["class"].split() for note in page.root.all("div", css="pb-note")]


def test_bulk_delete_clears_the_webhooks_as_a_job(dana: Portal, twilio: Twilio) -> None:
    ids = [str(tick["value"]) for tick in dana.get(PATH).root.all("input", name="id")]
    ended(confirmed(chosen(dana, "delete", ids=ids[:1])))
    assert called(twilio) == [url(BASE), url(BASE), VAPI]
    page = ended(confirmed(chosen(dana, "delete", all_=True), clear_webhooks="y"))
    assert sorted(str(code) for code in codes(page).values()) == ["cleared", "left_alone"]
    assert sorted(called(twilio)) == sorted(["", url(BASE), VAPI])
    assert dana.get(PATH).rows() == []
