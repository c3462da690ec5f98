"""One event: its numbers, as a page and as a file, and undoing it."""

from __future__ import annotations

import csv

import pytest
from flask import Flask

from app.services.endpoints import bulk, crud, messages, readiness
from app.services.endpoints.bulk import Selection
from app.services.endpoints.listing import Filter
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Portal
from tests.support.rows import unchanged

PATH = "/o/acme-support/audit"
FIRST = "+15551000000"


@pytest.fixture
def event(app: Flask, cast: Cast) -> int:
    """Three numbers were given the wrong agent."""
    with scope_as(app, cast.dana) as scope:
        for n, agent in enumerate(("Ann", "=1+1", None)):
            sent = {"phone_number": f"+1555100000{n}", "provider": "twilio", "inbound_agent_name": agent}
            crud.create(scope, sent)
        done = bulk.change(
            scope, Selection(filters=Filter()), {"inbound_agent_name": "Wrong"}, seen=3, reason="hurry"
        )
        assert done.event_id
        return done.event_id


def test_event_page_lists_each_numbers_change(dana: Portal, event: int) -> None:
    page = dana.get(PATH).follow("View and undo… 3 endpoints, event " + str(event))
    assert page.path == f"{PATH}/{event}"
    assert page.title == "Endpoints changed"
    assert page.rows()[0] == "+1 555-100-0000: all events Inbound agent Ann → Wrong"
    assert "Reason hurry" in page.text
    every = page.follow("+1 555-100-0000: all events")
    assert "Together with 3 endpoints" in every.rows()[0]
    assert "Inbound agent Ann → Wrong" in every.rows()[0]


def test_event_csv_has_every_number(dana: Portal, event: int) -> None:
    answer = dana.raw("GET", dana.get(f"{PATH}/{event}").link("CSV")["href"])
    assert answer.headers["Content-Disposition"] == f'attachment; filename="audit-{event}.csv"'
    rows = list(csv.reader(answer.text.removeprefix("\ufeff").splitlines()))
    assert rows[0] == ["phone_number", "field", "before", "after"]
    assert rows[2] == ["'+15551000001", "Inbound agent", "'=1+1", "Wrong"]
    assert len(rows) == 4


def test_undo_confirms_first_and_names_what_is_skipped(
    app: Flask, cast: Cast, dana: Portal, event: int
) -> None:
    with scope_as(app, cast.dana) as scope:
        row = readiness.by_number(scope, FIRST)
        assert row
        crud.update(scope, row.id, {"inbound_agent_name": "Zoe"})
    with unchanged(app):
        page = dana.get(f"{PATH}/{event}").follow("Undo…")
    assert page.title == "Undo “Endpoints changed”?"
    assert page.value("reason") == "Undo of “hurry”"
    assert "2 endpoints get their previous values." in page.text
    assert "Inbound agent: Wrong (2) =1+1 (1), none (1)" in page.text
    assert "1 endpoint is skipped" in page.text
    assert page.follow("Cancel").path == f"{PATH}/{event}"
    page = page.press("Restore 2 endpoints", reason="Back")
    assert "2 endpoints restored." in page.notes
    assert page.title == "Endpoints restored"
    assert "Reason Back" in page.text
    again = dana.get(f"{PATH}/{event}/undo")
    assert again.title == "Nothing left to undo"
    assert page.follow("Undo…").title


def test_undo_after_a_change_confirms_again(app: Flask, cast: Cast, dana: Portal, event: int) -> None:
    page = dana.get(f"{PATH}/{event}/undo")
    with scope_as(app, cast.dana) as scope:
        row = readiness.by_number(scope, FIRST)
        assert row
        crud.delete(scope, row.id)
    with unchanged(app):
        page = page.press("Restore 3 endpoints", 409)
    assert page.value("count") == "2"
    assert "2 endpoints restored." in page.press("Restore 2 endpoints").notes


def test_undo_of_another_kind_of_event_is_refused(dana: Portal, event: int) -> None:
    dana.get("/o/acme-support/settings").press("Save", name="Acme")
    newest = event + 1
    page = dana.get(f"{PATH}/{newest}")
    assert page.title == "Settings saved"
    assert not page.has_link("Undo…")
    assert messages.CANNOT_UNDO in dana.get(f"{PATH}/{newest}/undo", 409).text


def test_another_organizations_event_is_not_found(dana: Portal, gus: Portal, mo: Portal, event: int) -> None:
    for path in ["", "/undo", "/numbers.csv"]:
        gus.get(f"/o/globex/audit/{event}{path}", 404)
        mo.get(f"{PATH}/{event}{path}", 403)
        for strange in ("x", "0", "9" * 40, "-1", "%00"):
            dana.get(f"{PATH}/{strange}{path}", 404)
