"""One event: its numbers, as a page and as a file, and undoing it."""

from __future__ import annotations

import csv

import pytest
from flask import Flask

from app.services.audit.actions import Action
from app.services.endpoints import bulk, crud, messages, readiness
from app.services.endpoints.bulk import Selection
from app.services.endpoints.listing import Filter
from app.web.audit import messages as audit_messages
from app.web.shell.messages import restored
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Portal, changes_in
from tests.support.rows import unchanged

PATH = "/o/acme-support/audit"
FIRST = "+15551000000"


@pytest.fixture
def event(app: Flask, cast: Cast) -> int:
    """Three numbers were given the wrong agent."""
    with scope_as(app, cast.dana) as scope:
        for n, agent in enumerate(("Ann", "=1+1", None)):
            payload = {"phone_number": f"+1555100000{n}", "provider": "twilio", "inbound_agent_name": agent}
            crud.create(scope, payload)
        done = bulk.change(
            scope,
            Selection(filters=Filter()),
            {"inbound_agent_name": "Wrong"},
            expected_count=3,
            reason="hurry",
        )
        assert done.event_id
        return done.event_id


def test_event_page_has_each_numbers_change_in_its_organization(
    dana: Portal, event: int, gus: Portal, mo: Portal
) -> None:
    """So has its CSV file. Another organization's event is not found; one of another kind cannot be
    undone."""
    page = dana.get(PATH).follow("View and undo… 3 endpoints, event " + str(event))
    assert (page.path, page.title) == (f"{PATH}/{event}", Action.ENDPOINTS_SAVED.label)
    assert changes_in(page.root.one("main"))["Reason"] == ("hurry",)
    (row, *others) = page.root.one("tbody").all("tr")
    assert (changes_in(row), len(others)) == ({"Inbound agent": ("Ann", "Wrong")}, 2)
    every = page.follow("+1 555-100-0000: all events")
    (row,) = every.root.all("tr", **{"data-event": str(event)})
    assert (
        changes_in(row).items()
        >= {
            "Together with": ("3 endpoints",),
            "Inbound agent": ("Ann", "Wrong"),
        }.items()
    )
    answer = dana.raw("GET", page.link("CSV")["href"])
    assert answer.headers["Content-Disposition"] == f'attachment; filename="audit-{event}.csv"'
    rows = list(csv.reader(answer.text.removeprefix("\ufeff").splitlines()))
    assert rows[0] == ["phone_number", "field", "before", "after"]
    assert rows[2] == ["'+15551000001", "Inbound agent", "'=1+1", "Wrong"]
    assert len(rows) == 4

    for path in ["", "/undo", "/numbers.csv"]:
        assert gus.raw("GET", f"/o/globex/audit/{event}{path}").status_code == 404
        assert mo.raw("GET", f"{PATH}/{event}{path}").status_code == 403
        for strange in ("x", "0", "9" * 40, "-1", "%00"):
            assert dana.raw("GET", f"{PATH}/{strange}{path}").status_code == 404, strange
    dana.get("/o/acme-support/settings").send("Save", name="Acme")
    (newest,) = dana.get(f"{PATH}?action={Action.ORGANIZATION_SAVED}").data("event")
    page = dana.get(f"{PATH}/{newest}")
    assert page.title == Action.ORGANIZATION_SAVED.label
    assert not page.has_link("Undo…")
    assert messages.CANNOT_UNDO in dana.get(f"{PATH}/{newest}/undo", 409).text


def test_undo_confirms_again_after_a_change_and_names_what_is_skipped(
    app: Flask, cast: Cast, dana: Portal, event: int
) -> None:
    opened = dana.get(f"{PATH}/{event}").follow("Undo…")
    with scope_as(app, cast.dana) as scope:
        row = readiness.by_number(scope, FIRST)
        assert row
        crud.update(scope, row.id, {"inbound_agent_name": "Zoe"})
    with unchanged(app):
        page = opened.press("Restore 3 endpoints", 409)
    assert (page.value("count"), page.value("reason")) == ("2", audit_messages.undo_of("hurry", event))
    assert (page.data("restored"), page.data("skipped")) == (["2"], ["1"])
    assert [side.text for side in page.root.one("li", **{"data-restored": "2"}).all("bdi")] == [
        "Wrong (2)",
        "=1+1 (1), none (1)",
    ]
    assert page.follow("Cancel").path == f"{PATH}/{event}"
    page = page.press("Restore 2 endpoints", reason="Back")
    assert restored(2) in page.notes
    assert page.title == Action.ENDPOINTS_RESTORED.label
    assert changes_in(page.root.one("main"))["Reason"] == ("Back",)
    again = dana.get(f"{PATH}/{event}/undo")
    assert again.root.all("form", css="pb-form") == []
    assert page.follow("Undo…").has_button("Restore 2 endpoints")
