"""Calls, newest first."""

from __future__ import annotations

from typing import Any

from flask import Flask

from app.core import clock
from app.providers import PROVIDERS
from app.services.providers import credentials
from app.services.voice_ai import calls
from simulators.elevenlabs.workspace import ended, not_begun, signed
from tests.support.cast import Cast
from tests.support.full_organization import furnish, scope_as
from tests.support.pages import Portal

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


def test_table_empty_leads_to_the_webhook(dana: Portal) -> None:
    page = dana.get("/o/acme-support").follow("Calls")
    assert page.path == PATH
    assert "No calls yet" in page.text
    assert page.link("Set up the webhook")["href"] == "/o/acme-support/voice-ai#webhook"
    assert not page.root.all("table")


def test_table_shows_a_call(app: Flask, dana: Portal, cast: Cast) -> None:
    report(app, cast, ended(), not_begun())
    page = dana.get(PATH)
    not_answered, answered = page.rows()
    assert "Reception +1 415-555-0123 +1 555-123-4567 1:23 Success conv-1" in answered
    assert "agent-1 +1 555-123-4567 +1 415-555-0123 —unknown Busy conv-2" in not_answered
    times = [time["datetime"] for time in page.root.all("time")]
    assert times[1] == "2026-09-21T14:13:20Z"


def test_table_shows_what_is_unknown(app: Flask, dana: Portal, cast: Cast) -> None:
    bare = ended("conv-1", agent_name=None, agent_id=None, metadata={}, analysis={})
    report(app, cast, bare, not_begun(metadata={}, failure_reason=None))
    failed, ended_row = dana.get(PATH).rows()
    assert "unknown unknown unknown —unknown Unknown conv-1" in ended_row
    assert "Not started conv-2" in failed


def test_table_escapes_provider_text(app: Flask, dana: Portal, cast: Cast) -> None:
    evil = '"><b hx-get=//x>{{7*7}}'
    report(app, cast, ended(f"conv{evil}", agent_name=evil, analysis={"call_successful": evil}))
    page = dana.get(PATH)
    assert page.rows()[0].count(evil) == 3
    assert not page.root.one("main").all("b")


def test_table_is_searched_and_paged(app: Flask, dana: Portal, cast: Cast) -> None:
    events = [ended(f"conv-{n}", agent_name=f"Agent {n % 2}") for n in range(53)]
    report(app, cast, *events)
    page = dana.get(PATH)
    assert len(page.rows()) == 50
    page = page.follow("Older")
    assert len(page.rows()) == 3
    assert not page.has_link("Older")
    assert len(page.follow("Newest").rows()) == 50
    form = page.root.one("form", role="search")
    assert (form["action"], form["method"]) == (PATH, "get")
    found = dana.get(f"{PATH}?q=agent+1")
    assert len(found.rows()) == 26
    assert found.value("q") == "agent 1"
    assert len(dana.get(f"{PATH}?q=conv-52").rows()) == 1
    assert "No call matches" in dana.get(f"{PATH}?q=unknown").text
    assert len(dana.get(f"{PATH}?q=agent+1", htmx="calls").rows()) == 26


def test_table_number_links_to_its_endpoint(app: Flask, dana: Portal, cast: Cast) -> None:
    report(app, cast, ended("conv-9"))
    assert not dana.get(PATH).has_link("+1 555-123-4567")
    furnish(app, cast)
    assert dana.get(PATH).follow("+1 555-123-4567").title == "+1 555-123-4567"
