"""Bulk changes without JavaScript: select, confirm, and what changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select

from app.models import DriftCheck, Endpoint
from app.models.base import new_id
from app.services.endpoints import crud, listing
from app.services.endpoints.listing import Filter
from app.web.endpoints import query as table_query
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.live_numbers import go_live
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged

PATH = "/o/acme-support/endpoints"


@pytest.fixture
def ids(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of 60 rows, 30 on a page: the even ones have the inbound agent Ann, the odd ones have none."""
    monkeypatch.setattr(table_query, "PAGE", 30)
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
    portal: Portal, action: str, query: str = "", *, ids: Sequence[str] = (), all_: bool = False
) -> Page:
    """Ticks rows of the table as it is shown, and presses the button of the bar."""
    page = portal.get(f"{PATH}?{query}", htmx="endpoints")
    (form,) = page.root.all("form", id="many")
    assert action in [button["value"] for button in form.all("button", name="do")]
    ticks = page.root.all("input", name="id")
    assert {tick["form"] for tick in ticks} == {form["id"]}
    assert form["method"] == "get"
    submitted = [("id", tick["value"]) for tick in ticks if tick["value"] in ids]
    submitted += [(hidden["name"], hidden["value"]) for hidden in form.all("input", type="hidden")]
    submitted += [("do", action), *([("all", "yes")] if all_ else [])]
    return portal.get(f"{form['action']}?{urlencode(submitted)}")


def confirmed(page: Page, status: int = 200, **typed: Any) -> Page:
    """Presses the one button that does what the page announces."""
    (form,) = page.root.all("form", css="pb-form")
    (button,) = form.all("button")
    return page.press(button.text, status, **typed)


@dataclass(frozen=True)
class Case:
    action: str
    typed: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    subject: str = "3 endpoints"


CASES = [
    Case("deactivate", changes={"is_active": ["yes (3)", False]}),
    Case(
        "inbound_agent_name",
        {"inbound_agent_name": " Bob "},
        {"inbound_agent_name": ["Ann (2), none (1)", "Bob"]},
    ),
    Case("inbound_agent_name", {"clear": "y"}, {"inbound_agent_name": ["Ann (2)", None]}, "2 endpoints"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.action)
def test_change_of_a_selection_confirms_first(app: Flask, dana: Portal, ids: list[str], case: Case) -> None:
    with unchanged(app):
        page = chosen(dana, case.action, ids=[ids[0], ids[1], ids[2]])
    assert [row.split(" Line")[0] for row in page.rows()] == [f"+1 555-100-000{n}" for n in range(3)]
    (agents,) = [
        item.text for item in page.root.all("li") if "Ann" in [name.text for name in item.all("bdi")]
    ]
    assert re.findall(r"\d+", agents) == ["2", "1"]
    assert [item["data-ready"] for item in page.root.all("li") if item.get("data-ready")] == ["0"]
    before = len(audit(app))
    page = confirmed(page, **case.typed, reason=" Moved on ")
    assert page.has_link("Undo")
    assert page.path == PATH
    (event,) = audit(app)[before:]
    assert (event.action, event.subject) == ("endpoints.saved", case.subject)
    assert case.changes.items() <= event.changes.items()
    assert event.changes["reason"] == [None, "Moved on"]


def test_change_needs_a_selection_its_count_an_effect_and_one_value(
    app: Flask, dana: Portal, ids: list[str], cast: Cast
) -> None:
    token = dana.token()
    for query in ["", "do=delete", "do=nothing&all=yes", "do=delete&id=x", "id=x"]:
        page = dana.get(f"{PATH}/many?{query}")
        assert not page.root.all("form", css="pb-form"), query
        assert page.link("Back to endpoints")["href"] == PATH, query
        with unchanged(app):
            status = 409 if "id=x" in query and "do" in query else 422
            dana.post(f"{PATH}/many?{query}", {"csrf_token": token}, status)
    with unchanged(app):
        page = dana.post(f"{PATH}/many?do=delete&all=yes", {"csrf_token": token, "count": "59"}, 409)
        assert page.value("count") == "60"
        for count in ("", "sixty", "-60", "9" * 5000):
            submitted = {"csrf_token": token, "count": count}
            answer = dana.raw("POST", f"{PATH}/many?do=delete&all=yes", data=submitted)
            assert answer.status_code == 409, count
        dana.post(f"{PATH}/many?do=delete&all=yes", {"count": "60"}, 400)

    def is_offered(action: str, some: Sequence[str]) -> bool:
        return bool(chosen(dana, action, ids=some).root.all("form", css="pb-form"))

    page = chosen(dana, "inbound_agent_name", ids=ids[:3])
    with unchanged(app):
        for typed in ({}, {"inbound_agent_name": "Bob", "clear": "y"}, {"inbound_agent_name": "a/b"}):
            refused = confirmed(page, 422, **typed)
            assert refused.error("inbound_agent_name"), typed
            assert refused.value("inbound_agent_name") == typed.get("inbound_agent_name", "")
    assert not is_offered("activate", ids[:3])
    with scope_as(app, cast.dana) as scope:
        crud.update(scope, ids[0], {"is_active": False})
    assert not is_offered("deactivate", ids[:1])
    assert is_offered("activate", ids[:2])


def test_deactivation_warns_of_each_direction(app: Flask, dana: Portal, cast: Cast, ids: list[str]) -> None:
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
        for row_id in ids[:2]:
            crud.update(scope, row_id, {"outbound_agent_name": "Bob"})
    page = chosen(dana, "deactivate", ids=ids[:2])
    assert "1 number" in page.root.by_id("stops-inbound").text
    assert "2 numbers" in page.root.by_id("stops-outbound").text
    items = chosen(dana, "outbound_agent_name", ids=ids[:3]).root.all("li")
    assert [item["data-dialing"] for item in items if item.get("data-dialing")] == ["2"]
    done = confirmed(page)
    assert done.link("Undo")["href"]
    assert not [link for link in done.root.all("a") if "do=configure" in str(link["href"])]


def test_check_and_export_are_of_the_selection_and_all_of_the_filter(
    app: Flask, dana: Portal, cast: Cast, ids: list[str]
) -> None:
    page = chosen(dana, "check", ids=ids[:4])
    with scope_as(app, cast.dana) as scope:
        scope.session.execute(delete(DriftCheck))
        scope.session.commit()
    before = len(audit(app))
    assert confirmed(page).path == PATH
    assert len(audit(app)) == before
    with scope_as(app, cast.dana) as scope:
        assert scope.session.scalars(select(DriftCheck.phone_number)).all() == [
            "+15551000000",
            "+15551000002",
        ]
    for query, count in ((f"id={ids[0]}&id={ids[3]}", 2), (f"id={ids[0]}&all=yes&agent=Ann", 30)):
        begun = dana.raw("GET", f"{PATH}/many?do=export&{query}")
        sheet = dana.raw("GET", begun.headers["Location"]).text
        assert len(sheet.splitlines()) == count + 1, query

    page = dana.get(f"{PATH}?sort=-number")
    assert not any("checked" in tick.attrs for tick in page.root.all("input", name="id"))
    page = page.follow("All on this page")
    assert len([tick for tick in page.root.all("input", name="id") if "checked" in tick.attrs]) == 30
    assert page.rows()[0].startswith("+1 555-100-0059")

    page = chosen(dana, "deactivate", "agent=Ann&sort=-label", all_=True, ids=ids[:1])
    assert "Ann" in page.root.one("header", css="pb-head").text
    assert (page.value("count"), len(page.rows())) == ("30", 10)
    page = confirmed(page)
    assert page.path == f"{PATH}?agent=Ann&sort=-label"
    with scope_as(app, cast.dana) as scope:
        assert listing.count(scope, Filter(is_active=False)) == 30
        assert listing.count(scope, Filter(is_active=False, agent="Ann")) == 30


def test_delete_after_a_change_confirms_again(app: Flask, dana: Portal, cast: Cast, ids: list[str]) -> None:
    page = chosen(dana, "delete", "agent=Ann", all_=True)
    assert page.data("labels") == ["30"]
    assert page.follow("Cancel").path == f"{PATH}?agent=Ann"
    with scope_as(app, cast.dana) as scope:
        crud.update(scope, ids[0], {"inbound_agent_name": "Bob"})
    with unchanged(app):
        page = confirmed(page, 409)
    assert page.value("count") == "29"
    confirmed(page)
    with scope_as(app, cast.dana) as scope:
        assert listing.count(scope, Filter()) == 31


def test_undo_of_a_change_skips_what_changed_since(
    app: Flask, dana: Portal, cast: Cast, ids: list[str]
) -> None:
    page = chosen(dana, "inbound_agent_name", "agent=Ann", all_=True)
    page = confirmed(page, inbound_agent_name="Wrong")
    with scope_as(app, cast.dana) as scope:
        crud.update(scope, ids[0], {"inbound_agent_name": "Zoe"})
    with unchanged(app):
        page = page.follow("Undo")
    assert page.value("count") == "29"
    confirmed(page)
    assert len(dana.get(f"{PATH}?agent=Ann", htmx="endpoints").rows()) == 29
    (card,) = dana.get(f"{PATH}/{ids[2]}").root.all("section", id="history")
    changes = [tuple(side.text for side in line.all("bdi")) for line in card.all("span", css="pb-break")]
    assert {("Wrong", "Ann"), ("Ann", "Wrong")} <= set(changes)
    assert "30 endpoints" in card.text
