"""Calls, newest first."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.core import clock
from app.providers import PROVIDERS
from app.services.audit import search
from app.services.audit.actions import Action
from app.services.endpoints import crud
from app.services.providers import credentials
from app.services.voice_ai import calls
from simulators.elevenlabs.workspace import ended, not_begun, signed
from tests.support.cast import Cast
from tests.support.full_organization import furnish, scope_as
from tests.support.pages import Page, Portal

PATH = "/o/acme-support/calls"
SECRET = "sample-webhook-secret-of-acme"


def report(app: Flask, cast: Cast, *events: Any) -> None:
    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["elevenlabs"], {"webhook_secret": SECRET})
        for event in events:
            body, headers = signed(event, SECRET, clock.seconds(clock.now()))
            calls.receive(
                scope.for_organization(None),
                PROVIDERS["elevenlabs"],
                cast.acme,
                headers["ElevenLabs-Signature"],
                body,
            )


def _listed(page: Page) -> list[str]:
    """The calls, below the figures."""
    return [row.text for row in page.root.one("table", css="pb-table").one("tbody").all("tr")]


def test_table_and_page_show_a_call(app: Flask, dana: Portal, cast: Cast) -> None:
    page = dana.get("/o/acme-support").follow("Calls")
    assert page.path == PATH
    assert page.link("Set up the webhook")["href"] == "/o/acme-support/voice-ai#webhook"
    assert not page.root.all("table")
    report(app, cast, ended("conv-9"), not_begun("conv-8"))
    page = dana.get(PATH)
    not_answered, answered = _cells(page)
    assert answered == ["Reception", "+1 415-555-0123", "+1 555-123-4567", "1:23", "Success"]
    assert not_answered == ["agent-1", "+1 555-123-4567", "+1 415-555-0123", "—unknown", "Busy"]
    _, link = page.root.one("div", id="calls").all("a", css="pb-nowrap")
    call = dana.get(link["href"])
    assert next(time["datetime"] for time in call.root.all("time")) == "2026-09-21T14:13:20Z"
    assert "conv-9" in call.text
    assert call.link("Open at ElevenLabs (opens in a new tab)")["href"].endswith("/conv-9")
    assert call.data("hop") == ["from", "to", "agent"]
    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["elevenlabs"], {"api_key": "sk_sample", "webhook_secret": None})
    assert dana.get(link["href"]).has_link("Open at ElevenLabs (opens in a new tab)")
    assert call.root.one("nav", css="pb-crumbs").all("a")[-1]["href"] == PATH
    assert not page.has_link("+1 555-123-4567")
    furnish(app, cast)
    assert dana.get(PATH).follow("+1 555-123-4567").title == "+1 555-123-4567"


def test_page_of_a_number_that_only_dials_has_its_calls(app: Flask, dana: Portal, cast: Cast) -> None:
    """And none of the calls to it, from when an agent answered it."""
    answered = ended("conv-9")
    answered["data"]["metadata"]["start_time_unix_secs"] = clock.seconds(clock.now())
    report(app, cast, answered, not_begun("conv-8"))
    with scope_as(app, cast.dana) as scope:
        values = {"phone_number": "+15551234567", "provider": "twilio", "outbound_agent_name": "Sales"}
        row = crud.create(scope, values)
    page = dana.get(f"/o/acme-support/endpoints/{row.id}")
    assert page.data("hop") == ["endpoint", "provider", "agent", "url"]
    assert not page.root.all("section", id="last_call")
    assert not page.root.all("section", id="at_provider")
    numbers = page.root.one("table", css="pb-brief").all("span", css="pb-num")
    assert [number.text for number in numbers] == ["+1 415-555-0123"]
    assert page.link("Set an inbound agent")["href"].endswith(f"/{row.id}?edit=1")


def _cells(page: Page) -> list[list[str]]:
    table = page.root.one("table", css="pb-table").one("tbody")
    return [[cell.text for cell in row.all("td")] for row in table.all("tr")]


def test_table_shows_what_is_unknown_and_escapes_provider_text(app: Flask, dana: Portal, cast: Cast) -> None:
    bare = ended("conv-1", agent_name=None, agent_id=None, metadata={}, analysis={})
    report(app, cast, bare, not_begun(metadata={}, failure_reason=None))
    failed, ended_row = _cells(dana.get(PATH))
    assert ended_row == ["Unknown", "Unknown", "Unknown", "—unknown", "Unknown"]
    assert failed[-1] == "Not started"
    evil = '"><b hx-get=//x>{{7*7}}'
    report(app, cast, ended(f"conv{evil}", agent_name=evil, analysis={"call_successful": evil}))
    page = dana.get(PATH)
    (place,) = [place for place, row in enumerate(_listed(page)) if evil in row]
    assert _listed(page)[place].count(evil) == 2
    call = dana.get(page.root.one("div", id="calls").all("a", css="pb-nowrap")[place]["href"])
    assert call.text.count(evil) == 3
    assert [*page.root.one("table", css="pb-table").all("b"), *call.root.one("main").all("b")] == []


def test_table_is_searched_and_paged(app: Flask, dana: Portal, cast: Cast) -> None:
    def count(page: Page) -> int:
        return len(_listed(page))

    events = [ended(f"conv-{n}", agent_name=f"Agent {n % 2}") for n in range(53)]
    report(app, cast, *events)
    page = dana.get(PATH)
    assert count(page) == 50
    page = page.follow("Older")
    assert count(page) == 3
    assert not page.has_link("Older")
    assert count(page.follow("Newest")) == 50
    form = page.root.one("form", role="search")
    assert (form["action"], form["method"]) == (PATH, "get")
    filtered = dana.get(f"{PATH}?q=agent+1&outcome=success")
    assert count(filtered) == 26
    assert (filtered.value("q"), filtered.value("outcome")) == ("agent 1", "success")
    assert count(dana.get(f"{PATH}?q=agent+1", htmx="calls")) == 26
    assert filtered.link("Remove Outcome: Success")["href"] == f"{PATH}?q=agent+1"
    part = dana.get(f"{PATH}?outcome=success", htmx="calls")
    assert [one.get("id") for one in part.root.children if not isinstance(one, str)] == ["calls", "matches"]
    none = dana.get(f"{PATH}?outcome=busy&direction=outbound&agent=Agent+1")
    assert none.root.all("table") == []
    assert none.link("Clear filters")["href"] == PATH


def test_figures_are_of_the_chosen_days(app: Flask, dana: Portal, cast: Cast) -> None:
    report(app, cast, *[ended(f"conv-{n}") for n in range(3)], not_begun())
    page = dana.get(f"{PATH}?from=2026-09-21&to=2026-09-22")
    assert [tile.one("dd").text for tile in page.root.all("div", css="pb-tile")] == [
        "3",
        "100%",
        "100%",
        "1:23",
    ]
    bars = page.root.one("svg", role="img").all("g")
    assert [bar.one("title").text for bar in bars] == ["21 Sep 2026: 3", "22 Sep 2026: 0"]
    assert len(bars[0].all("rect")) - len(bars[1].all("rect")) == 1
    table = page.root.one("figure").one("table")
    assert [cell.text for cell in table.all("td")] == ["3", "3"]
    agent = page.root.one("div", css="pb-charts").all("a")[0]["href"]
    assert (dana.get(agent).value("agent"), dana.get(agent).value("from")) == ("Reception", "2026-09-21")
    page = dana.get(f"{PATH}?from=soon&to=2026-02-30")
    assert [field["id"] for field in page.root.all("input") if "aria-invalid" in field.attrs] == [
        "call-from",
        "call-to",
    ]
    assert len(_listed(page)) == 4
    assert dana.raw("GET", f"{PATH}.csv?from=soon").status_code == 303


def test_export_has_what_the_filters_select_and_is_audited(app: Flask, dana: Portal, cast: Cast) -> None:
    report(app, cast, ended(agent_name="=evil"), not_begun())
    lines = dana.raw("GET", f"{PATH}.csv?outcome=success").text.splitlines()
    assert len(lines) == 2
    assert "'=evil" in lines[1]
    assert "2026-09-21 14:13:20" in lines[1]
    with scope_as(app, cast.dana) as scope:
        event = search.recent(scope)[0]
    assert (event.action, event.changes["outcome"]) == (Action.CALLS_EXPORTED, [None, "success"])
