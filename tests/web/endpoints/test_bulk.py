"""Many endpoints at once, without JavaScript: tick, confirm, and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import insert

from app.models import Endpoint
from app.models.base import new_id
from app.services.endpoints import listing
from app.services.endpoints.listing import Filter
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged

PATH = "/o/acme-support/endpoints"


@pytest.fixture
def ids(app: Flask, cast: Cast) -> list[str]:
    """Of 60 rows: Ann answers the even ones, nobody the odd ones."""
    rows = [
        {
            "id": new_id(),
            "organization_id": cast.acme,
            "phone_number": f"+1555{1000000 + n}",
            "provider": "twilio",
            "inbound_agent_name": None if n % 2 else "Ann",
            "label": f"Line {n}",
        }
        for n in range(60)
    ]
    with scope_as(app, cast.dana) as scope:
        scope.session.execute(insert(Endpoint), rows)
        scope.session.commit()
    return [str(row["id"]) for row in rows]


def chosen(
    portal: Portal, button: str, query: str = "", *, ids: Sequence[str] = (), all_: bool = False
) -> Page:
    """Ticks rows in the table as it is shown, and presses the button of the bar."""
    page = portal.get(f"{PATH}?{query}")
    form, pressed = page.form_with(button)
    ticks = page.root.all("input", name="id")
    assert {tick["form"] for tick in ticks} == {form["id"]}
    assert form["method"] == "get"
    sent = [("id", tick["value"]) for tick in ticks if tick["value"] in ids]
    sent += [(kept["name"], kept["value"]) for kept in form.all("input", type="hidden")]
    sent += [("do", pressed["value"]), *([("all", "yes")] if all_ else [])]
    return portal.get(f"{form['action']}?{urlencode(sent)}")


@dataclass(frozen=True)
class Case:
    button: str
    title: str
    verb: str
    told: str
    typed: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    subject: str = "3 endpoints"


CASES = [
    Case(
        "Deactivate…",
        "Deactivate 3 endpoints?",
        "Deactivate 3 endpoints",
        "3 endpoints are inactive now, and answered by nobody.",
        changes={"is_active": ["yes (3)", False]},
    ),
    Case(
        "Answered by…",
        "Who answers 3 endpoints?",
        "Change 3 endpoints",
        "3 endpoints are answered by Bob now.",
        {"inbound_agent_name": " Bob "},
        {"inbound_agent_name": ["Ann (2), nobody (1)", "Bob"]},
    ),
    Case(
        "Dials as…",
        "Who dials from 3 endpoints?",
        "Change 3 endpoints",
        "3 endpoints are dialled from by Bob now.",
        {"outbound_agent_name": "Bob"},
        {"outbound_agent_name": ["nobody (3)", "Bob"]},
    ),
    Case(
        "Answered by…",
        "Who answers 3 endpoints?",
        "Change 3 endpoints",
        "2 endpoints are answered by nobody now. 1 had been so already.",
        {"nobody": "y"},
        {"inbound_agent_name": ["Ann (2)", None]},
        "2 endpoints",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.button)
def test_what_is_ticked_is_shown_and_then_changed(
    app: Flask, dana: Portal, ids: list[str], case: Case
) -> None:
    with unchanged(app):
        page = chosen(dana, case.button, ids=[ids[0], ids[1], ids[2]])
    assert page.title == case.title
    assert "+1 555-100-0000, +1 555-100-0001, +1 555-100-0002" in page.text
    assert "None of them is answered now. 3 are active." in page.text
    assert "Inbound agents: Ann (2), nobody (1)" in page.text
    before = len(audit(app))
    page = page.press(case.verb, **case.typed, reason=" Moved on ")
    assert case.told in page.notes
    assert page.has_link("Undo…") == bool(case.changes)
    assert page.path == PATH
    events = audit(app)[before:]
    assert [event.action for event in events] == (["endpoints.saved"] if case.changes else [])
    for event in events:
        assert case.changes.items() <= event.changes.items()
        assert event.subject == case.subject
        assert event.changes["reason"] == [None, "Moved on"]


def test_what_is_so_already_is_not_offered(dana: Portal, ids: list[str]) -> None:
    page = chosen(dana, "Activate…", ids=ids[:3])
    assert "All of them are active already." in page.text
    assert not page.has_button("Activate 3 endpoints")
    chosen(dana, "Deactivate…", ids=ids[:1]).press("Deactivate 1 endpoint")
    assert "It is inactive already." in chosen(dana, "Deactivate…", ids=ids[:1]).text
    assert chosen(dana, "Activate…", ids=ids[:2]).has_button("Activate 2 endpoints")


@pytest.mark.parametrize(
    ("typed", "told"),
    [({}, "Write who it is to be"), ({"inbound_agent_name": "Bob", "nobody": "y"}, "Keep one.")],
)
def test_an_agent_is_taken_away_only_where_that_is_said(
    app: Flask, dana: Portal, ids: list[str], typed: dict[str, str], told: str
) -> None:
    page = chosen(dana, "Answered by…", ids=ids[:3])
    with unchanged(app):
        page = page.press("Change 3 endpoints", 422, **typed)
    assert told in page.error("inbound_agent_name")


def test_all_that_match_are_meant_by_the_filter(app: Flask, dana: Portal, cast: Cast, ids: list[str]) -> None:
    page = chosen(dana, "Deactivate…", "agent=Ann&sort=-label", all_=True, ids=ids[:1])
    assert page.title == "Deactivate 30 endpoints?"
    assert "All that match: agent Ann." in page.text
    assert "and 20 more" in page.text
    page = page.press("Deactivate 30 endpoints")
    assert "30 endpoints are inactive now" in page.notes
    assert page.path == f"{PATH}?agent=Ann&sort=-label"
    with scope_as(app, cast.dana) as scope:
        assert listing.count(scope, Filter(is_active=False)) == 30
        assert listing.count(scope, Filter(is_active=False, agent="Ann")) == 30


def test_deleting_many_says_what_is_lost(app: Flask, dana: Portal, cast: Cast, ids: list[str]) -> None:
    page = chosen(dana, "Delete…", "q=Line+1", all_=True)
    assert page.title == "Delete 11 endpoints?"
    assert "Their agents and 11 labels go with them. You can undo it from the audit" in page.text
    assert page.follow("Cancel").path == f"{PATH}?q=Line+1"
    page = page.press("Delete 11 endpoints")
    assert "11 endpoints are deleted." in page.notes
    with scope_as(app, cast.dana) as scope:
        assert listing.count(scope, Filter()) == 49


def test_where_others_match_by_now_it_asks_again(app: Flask, dana: Portal, ids: list[str]) -> None:
    page = chosen(dana, "Delete…", "agent=Ann", all_=True)
    dana.get(f"{PATH}?edit={ids[0]}").press("Save", inbound_agent_name="Bob")
    with unchanged(app):
        page = page.press("Delete 30 endpoints", 409)
    assert "What you selected is 29 endpoints now, not 30. Nothing was changed." in page.notes
    assert page.title == "Delete 29 endpoints?"
    assert "29 endpoints are deleted." in page.press("Delete 29 endpoints").notes


def test_the_wrong_agent_for_many_is_undone(app: Flask, dana: Portal, cast: Cast, ids: list[str]) -> None:
    page = chosen(dana, "Answered by…", "agent=Ann", all_=True)
    page = page.press("Change 30 endpoints", inbound_agent_name="Wrong")
    dana.get(f"{PATH}?edit={ids[0]}").press("Save", inbound_agent_name="Zoe")
    with unchanged(app):
        page = page.follow("Undo…")
    assert "29 endpoints get back what each had before" in page.text
    assert "1 endpoint was changed again since" in page.text
    page = page.press("Undo it for 29 endpoints")
    assert "29 endpoints are as before." in page.notes
    assert len(dana.get(f"{PATH}?agent=Ann").rows()) == 29
    page = dana.get(f"{PATH}/{ids[2]}")
    (card,) = page.root.all("section", id="history")
    assert "Endpoints put back Undo… Endpoints put back" in card.text
    assert "Answered by: Wrong Ann" in card.text
    assert "Answered by: Ann Wrong" in card.text
    assert "Together with: 30 endpoints" in card.text


def test_a_mistake_stands_beside_its_field(app: Flask, dana: Portal, ids: list[str]) -> None:
    page = chosen(dana, "Answered by…", ids=ids[:2])
    with unchanged(app):
        page = page.press("Change 2 endpoints", 422, inbound_agent_name="a/b")
    assert "no slash" in page.error("inbound_agent_name")
    assert page.value("inbound_agent_name") == "a/b"
    assert (
        "answered by nobody now" in page.press("Change 2 endpoints", inbound_agent_name="", nobody="y").notes
    )


@pytest.mark.parametrize("query", ["", "do=delete", "do=nothing&all=yes", "do=delete&id=x", "id=x"])
def test_where_nothing_is_selected_it_says_so(app: Flask, dana: Portal, ids: list[str], query: str) -> None:
    page = dana.get(f"{PATH}/many?{query}")
    assert "Nothing is selected" in page.text
    assert page.follow("Back to the endpoints").title == "Endpoints"
    with unchanged(app):
        dana.post(
            f"{PATH}/many?{query}",
            {"csrf_token": dana.token()},
            409 if "id=x" in query and "do" in query else 422,
        )


@pytest.mark.parametrize("count", ["", "59", "sixty", "-60", "9" * 5000])
def test_nothing_is_done_without_the_count_that_was_shown(
    app: Flask, dana: Portal, ids: list[str], count: str
) -> None:
    token = dana.token()
    with unchanged(app):
        sent = {"csrf_token": token, "count": count}
        assert "Delete 60 endpoints?" in dana.post(f"{PATH}/many?do=delete&all=yes", sent, 409).title
        dana.post(f"{PATH}/many?do=delete&all=yes", {"count": "60"}, 400)


def test_another_organizations_rows_are_not_among_them(app: Flask, gus: Portal, ids: list[str]) -> None:
    for query in (f"do=delete&id={ids[0]}&id={ids[1]}", "do=delete&all=yes"):
        assert "Nothing is selected" in gus.get(f"/o/globex/endpoints/many?{query}").text
        with unchanged(app):
            sent = {"csrf_token": gus.token(), "count": "2"}
            gus.post(f"/o/globex/endpoints/many?{query}", sent, 409)


def test_without_scripts_a_link_ticks_the_page(dana: Portal, ids: list[str]) -> None:
    page = dana.get(f"{PATH}?sort=-number")
    assert not any("checked" in tick.attrs for tick in page.root.all("input", name="id"))
    page = page.follow("All on this page")
    assert len([tick for tick in page.root.all("input", name="id") if "checked" in tick.attrs]) == 50
    assert page.rows()[0].startswith("+1 555-100-0059")
