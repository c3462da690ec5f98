"""The endpoints page: with and without htmx."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import delete

from app.extensions import db
from app.models import Endpoint
from app.providers import PROVIDERS
from app.services.connections import check_days
from app.services.endpoints import crud, healths, messages
from app.services.organizations import directory
from app.services.providers import telephony
from app.web.endpoints import messages as web_messages
from app.web.endpoints import query as table_query
from devtools import many as many_rows
from tests.support.cast import Cast
from tests.support.full_organization import BASE_URL, scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import audit, unchanged
from tests.support.scopes import OFFLINE
from tests.support.statuses import drifted, go_live, save_result

PATH = "/o/acme-support/endpoints"
NUMBER = "+15551234567"
PLAIN = pytest.mark.thorough(
    "test_edit_returns_to_its_page_and_refused_shows_its_row",
    "test_a_live_number_goes_down_only_if_that_is_confirmed",
)
HTMX = pytest.mark.parametrize("htmx", [pytest.param(None, id="plain", marks=PLAIN), "endpoints"])


def add(portal: Portal, status: int = 200, **typed: Any) -> Page:
    values = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "Reception"} | typed
    return portal.get(f"{PATH}/new").press("Add endpoint", status, **values)


@pytest.fixture
def row(app: Flask, cast: Cast) -> Endpoint:
    """One of Acme Support's."""
    return made(app, cast, NUMBER, inbound_agent_name="Reception", label="Front desk")


def made(app: Flask, cast: Cast, number: str, *, provider: str = "twilio", **values: Any) -> Endpoint:
    with scope_as(app, cast.dana) as scope:
        return crud.create(scope, {"phone_number": number, "provider": provider, **values})


@pytest.fixture
def many(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The numbers of 60 rows, in pages of 25; every third is Exotel's, every fourth is inactive."""
    monkeypatch.setattr(table_query, "PAGE", 25)
    numbers = [f"+1555{1000000 + n}" for n in range(60)]
    with scope_as(app, cast.dana) as scope, scope.transaction():
        scope.session.add_all(
            Endpoint(
                organization_id=scope.organization.id,
                phone_number=number,
                provider="twilio" if n % 3 else "exotel",
                inbound_agent_name=f"Agent {n % 5}",
                label=f"Line {n}",
                is_active=bool(n % 4),
            )
            for n, number in enumerate(numbers)
        )
    return numbers


def shown(number: str) -> str:
    return f"+1 {number[2:5]}-{number[5:8]}-{number[8:]}"


def test_the_form_shows_the_number_and_the_url_as_they_are_typed(
    app: Flask, dana: Portal, gus: Portal, cast: Cast, row: Endpoint
) -> None:
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"country": "US"})

    def read(portal: Portal, path: str, typed: str) -> tuple[list[str], str, list[str]]:
        page = portal.get(f"{path}/number?{urlencode({'phone_number': typed})}", htmx="number")
        problems = [error.text for error in page.root.all("div", css="pb-error")]
        return (
            problems,
            "".join(code.text for code in page.root.all("code")),
            [link["href"] for link in page.root.all("a")],
        )

    assert read(dana, PATH, "(415) 555-0188") == ([], "+14155550188", [])
    assert read(dana, PATH, "415") == ([], "", [])
    assert read(dana, PATH, "") == ([], "", [])
    claimed = messages.in_use(NUMBER)
    assert read(dana, PATH, NUMBER) == ([f"{claimed} Open it"], "", [f"{PATH}/{row.id}"])
    assert read(gus, "/o/globex/endpoints", NUMBER) == ([claimed], "", [])
    assert read(gus, "/o/globex/endpoints", "0415 5") == ([], "", [])
    ((problem,), _, _) = read(gus, "/o/globex/endpoints", "415 555 0199")
    assert "country code" in problem
    page = add(dana, phone_number=" (415) 555-0188 ")
    assert web_messages.created_from(shown("+14155550188"), "(415) 555-0188") in page.notes
    assert page.title == shown("+14155550188")

    with scope_as(app, cast.dana) as scope, scope.transaction():
        directory.set_base_url(scope, BASE_URL)
    wrong = []
    for name, provider, url, is_warned, is_refused in [
        ("support", "twilio", "/telephony/twilio/inbound/support", False, False),
        ("support", "vobiz", "/telephony/vobiz/inbound/support", False, False),
        ("agent-€", "twilio", "/telephony/twilio/inbound/agent-%E2%82%AC", True, False),
        ("a/b", "twilio", "", False, True),
        ("", "twilio", "", False, False),
    ]:
        query = {"provider": provider, "inbound_agent_name": name}
        page = dana.get(f"{PATH}/webhook-url?{urlencode(query)}", htmx="webhook_url")
        codes = page.root.all("code")
        shown_url = codes[0].text if codes else ""
        has = (
            bool(page.root.all("p", **{"data-warning": ""})),
            bool(page.root.all("div", **{"class": "pb-error"})),
        )
        if not shown_url.endswith(url) or bool(url) is not bool(shown_url) or has != (is_warned, is_refused):
            wrong.append((name, shown_url, has))
    assert wrong == []


BAD_VALUES = [
    ("phone_number", ""),
    ("phone_number", "5551234567"),
    ("phone_number", "call me"),
    ("inbound_agent_name", "a/b"),
    ("outbound_agent_name", "x" * 101),
    ("label", "x" * 201),
    ("provider", "sinch"),
]


def test_create_shows_the_webhook_url_or_an_error_beside_its_field(
    app: Flask, dana: Portal, gus: Portal
) -> None:
    page = dana.get(PATH)
    assert page.root.all("table") == []
    assert page.follow("Add endpoint").path == f"{PATH}/new"
    page = add(dana, inbound_agent_name="Ann & Bob", label="Front desk")
    assert page.title == shown(NUMBER)
    assert web_messages.created(shown(NUMBER)) in page.notes
    assert [event.action for event in audit(app)][-1] == "endpoint.created"
    assert page.root.by_id("history").all("span", css="pb-break") == []
    page.follow("Set the base URL").send("Save", public_base_url=BASE_URL)
    page = dana.get(page.path)
    url = f"{BASE_URL}/telephony/twilio/inbound/Ann%20%26%20Bob"
    assert url in page.text
    assert page.root.one("button", **{"data-copy": url}).text == "Copy webhook URL"
    steps = [item.text for item in page.root.all("ol", css="pb-side-list")[0].all("li")]
    assert steps == list(PROVIDERS["twilio"].webhook_steps)

    path, form, wrong = page.path, dana.get(f"{PATH}/new"), []
    values = {"phone_number": NUMBER, "provider": "twilio"}
    with unchanged(app):
        for field, typed in BAD_VALUES:
            page = form.press("Add endpoint", 422, **values | {field: typed})
            is_unchanged = field == "provider" or page.value(field) == typed
            if not page.error(field) or not is_unchanged:
                wrong.append((field, typed))
        page = form.press("Add endpoint", 409, **values)
    assert wrong == []
    assert page.error("phone_number") == f"{messages.in_use(NUMBER)} Open it"
    assert page.follow("Open it").path == path
    page = gus.get("/o/globex/endpoints/new")
    page = page.press("Add endpoint", 409, phone_number=NUMBER)
    assert page.error("phone_number") == messages.in_use(NUMBER)
    assert "Acme" not in page.text


@HTMX
def test_edit_in_place(app: Flask, dana: Portal, row: Endpoint, htmx: str | None) -> None:
    table = dana.get(PATH)
    form = dana.get(table.link("Edit +1 555-123-4567")["href"], htmx=htmx)
    assert form.value("inbound_agent_name") == "Reception"
    assert form.root.one("tr", css="pb-edit")["id"] == f"endpoint-{row.id}"
    with unchanged(app):
        page = form.press("Save", 422, htmx=htmx, inbound_agent_name="a/b", label="")
        assert page.error("inbound_agent_name")
        assert (page.value("inbound_agent_name"), page.value("label")) == ("a/b", "")
    page = page.press("Save", htmx=htmx, inbound_agent_name="Ann", outbound_agent_name="Bob")
    assert web_messages.saved(shown(NUMBER)) in page.notes
    assert agents(page) == [("in", "Ann"), ("out", "Bob")]
    assert "Front desk" not in page.text
    event = audit(app)[-1]
    assert (event.action, event.subject) == ("endpoint.saved", NUMBER)
    assert event.changes == {
        "inbound_agent_name": ["Reception", "Ann"],
        "outbound_agent_name": [None, "Bob"],
        "label": ["Front desk", None],
    }
    with unchanged(app):
        page = form.press("Save", 412, htmx=htmx, inbound_agent_name="Mine")
    assert page.compared[0] == ("Inbound agent", "Ann", "Mine")
    assert page.value("inbound_agent_name") == "Mine"
    assert ("in", "Mine") in agents(page.press("Save", htmx=htmx))


def agents(page: Page) -> list[tuple[str, str]]:
    """The agents of the table's first line, with their directions."""
    cell = page.root.all("td", css="pb-l-agents")[0]
    return [(way.text, name.text) for way, name in zip(cell.all("small"), cell.all("bdi"), strict=True)]


def test_edit_returns_to_its_page_and_refused_shows_its_row(
    app: Flask, dana: Portal, cast: Cast, row: Endpoint
) -> None:
    """Despite the filter of the table."""
    here = f"{PATH}/{row.id}"
    page = dana.get(here).follow("Edit")
    assert page.title == "+1 555-123-4567"
    page = page.press("Save", 422, inbound_agent_name="a/b", label="Kept")
    assert (page.title, page.value("label")) == ("+1 555-123-4567", "Kept")
    with scope_as(app, cast.dana) as scope:
        crud.update(scope, row.id, {"outbound_agent_name": "Theirs"})
    page = page.press("Save", 412, inbound_agent_name="Mine")
    assert page.compared == [
        ("Inbound agent", "Reception", "Mine"),
        ("Outbound agent", "Theirs", "nothing"),
        ("Label", "Front desk", "Kept"),
    ]
    page = page.press("Save")
    assert page.path == here
    assert not page.has_button("Save")
    assert web_messages.saved(shown(NUMBER)) in page.notes
    assert "Kept" in page.text
    assert page.follow("Edit").follow("Cancel").path == here

    form = dana.get(f"{PATH}?agent=Mine&edit={row.id}")
    with scope_as(app, cast.dana) as scope:
        crud.update(scope, row.id, {"inbound_agent_name": "Another agent"})
    for status, typed in ((412, {"label": "Mine"}), (422, {"inbound_agent_name": "a/b", "label": "Mine"})):
        assert form.press("Save", status, **typed).value("label") == "Mine", status


def test_save_warns_of_an_agent_no_other_number_has(app: Flask, dana: Portal, cast: Cast) -> None:
    """Nothing is refused; and of the first of all, only signs that agents seldom have."""
    page = add(dana)
    assert not page.root.one("div", css="pb-flashes").all(css="pb-warn")
    page = add(dana, phone_number="+15551230001", inbound_agent_name="bad agent !!")
    assert messages.unused_agent("bad agent !!", is_unusual=True) in page.notes
    assert "bad agent !!" in page.text
    line = f"endpoint-{page.path.rpartition('/')[2]}"

    def notes(**typed: Any) -> str:
        form = dana.get(f"{PATH}?edit={line.removeprefix('endpoint-')}", htmx=line)
        return form.press("Save", htmx=line, **typed).notes

    assert "agent" not in notes(inbound_agent_name="bad agent !!", label="Desk")
    of_two = notes(inbound_agent_name="Reception", outbound_agent_name="Recepton")
    assert messages.unused_agent("Recepton", is_unusual=False) in of_two
    assert "“Reception”" not in of_two
    with scope_as(app, cast.dana) as scope:
        scope.session.execute(delete(Endpoint).where(Endpoint.phone_number == NUMBER))
        scope.session.commit()
    assert messages.unusual_agent("front desk") in notes(
        inbound_agent_name="front desk", outbound_agent_name=""
    )


def test_the_table_is_searched_and_filtered(dana: Portal, many: list[str], *, thorough: bool) -> None:
    counts = {}
    for query in SEARCHES:
        page = dana.get(f"{PATH}?{query}", htmx="endpoints")
        counts[query] = len(page.rows())
        assert page.has_link("Clear filters") == (counts[query] == 0), query
    assert counts == SEARCHES
    page = dana.get(f"{PATH}?q=Line&provider=exotel&active=on&agent=Agent+1")
    requested = {name: page.value(name) for name in ("q", "provider", "active", "agent")}
    assert requested == {"q": "Line", "provider": "exotel", "active": "on", "agent": "Agent 1"}
    wrong = []
    for name, value in [("provider", "twilio"), ("agent", "Gone"), ("active", "on")] + [
        ("sync", key) for key in [*healths.CHOICES][: None if thorough else 2]
    ]:
        page = dana.get(f"{PATH}?q=x&{name}={value}", htmx="endpoints")
        (chip,) = page.root.by_id("matches").all("a", css="pb-chip")
        if (chip["data-clears"], chip["href"]) != (name, f"{PATH}?q=x"):
            wrong.append((name, value))
    assert wrong == []
    options = [option["value"] for option in dana.get(PATH).control("sync").all("option")]
    assert set(healths.CHOICES) <= set(options)
    unlisted = dana.get(f"{PATH}?q=x&agent=Gone&sync=drifted")
    assert (unlisted.value("agent"), unlisted.value("sync")) == ("Gone", "drifted")
    page = dana.get(f"{PATH}?provider=exotel&active=on").follow("Edit " + shown(many[3]))
    page = page.press("Save", label="Changed")
    assert page.path == f"{PATH}?provider=exotel&active=on"
    assert "Changed" in page.text


@HTMX
def test_the_toggle_deactivates_and_activates(
    app: Flask, dana: Portal, row: Endpoint, htmx: str | None
) -> None:
    stale = page = dana.get(PATH, htmx=htmx)
    page = page.press("Active: +1 555-123-4567", htmx=htmx)
    assert page.root.one("button", css="pb-toggle")["aria-pressed"] == "false"
    with unchanged(app):
        stale.press("Active: +1 555-123-4567", 412, htmx=htmx)
    page = page.press("Active: +1 555-123-4567", htmx=htmx)
    assert page.root.one("button", css="pb-toggle")["aria-pressed"] == "true"
    assert [event.changes for event in audit(app)][-2:] == [
        {"is_active": [True, False]},
        {"is_active": [False, True]},
    ]


@pytest.fixture
def live(app: Flask, cast: Cast, row: Endpoint) -> Endpoint:
    """The row, with what answers its calls."""
    values = {
        "twilio_account_sid": "AC" + "0" * 32,
        "twilio_auth_token": "sample",
        "public_base_url": BASE_URL,
    }
    with scope_as(app, cast.dana) as scope:
        telephony.update(scope, OFFLINE, values)
    return row


def test_a_live_number_goes_down_only_if_that_is_confirmed(
    app: Flask, dana: Portal, cast: Cast, live: Endpoint
) -> None:
    """By the switch, by undoing its activation, and by an edit in the table or on its own page."""
    with unchanged(app):
        page = dana.get(f"{PATH}?q=555").press("Active: +1 555-123-4567")
        assert page.title == "Deactivate +1 555-123-4567?"
        assert ["Front desk" in page.text, "Reception" in page.text] == [True, True]
        assert page.follow("Cancel").path == f"{PATH}?q=555"
        submitted = {"csrf_token": dana.token(), "active": "no", "version": "1"}
        headers = {"HX-Request": "true", "HX-Target": f"endpoint-{live.id}"}
        answer = dana.raw("POST", f"{PATH}/{live.id}/active?q=555", data=submitted, headers=headers)
        assert answer.headers["HX-Redirect"] == page.path
    page = page.press("Deactivate")
    assert page.path == f"{PATH}?q=555"
    assert page.root.one("button", css="pb-toggle")["aria-pressed"] == "false"
    assert audit(app)[-1].changes == {"is_active": [True, False]}

    with scope_as(app, cast.dana) as scope:
        event = crud.save(scope, live.id, {"is_active": True}).event_id
    submitted = {"csrf_token": dana.token()}
    with unchanged(app):
        headers = {"HX-Request": "true", "HX-Target": "endpoints"}
        in_place = dana.raw("POST", f"{PATH}/undo/{event}", data=submitted, headers=headers)
        page = dana.post(f"{PATH}/undo/{event}", submitted)
        assert in_place.headers["HX-Redirect"] == page.path
        page.root.by_id("stops-inbound")
        submitted |= {"count": "1", "inbound": "0", "outbound": "0"}
        again = dana.raw("POST", f"{page.path}", data=submitted)
        assert again.status_code == 409
    page.send("Restore 1 endpoint")
    assert audit(app)[-1].changes["is_active"] == [True, False]

    with scope_as(app, cast.dana) as scope:
        crud.save(scope, live.id, {"is_active": True})
    wrong = []
    for query in (f"?edit={live.id}", f"/{live.id}?edit=1"):
        for typed in ({"is_active": ""}, {"inbound_agent_name": "", "label": "Typed"}):
            with unchanged(app):
                page = dana.get(f"{PATH}{query}").press("Save", 422, **typed)
            is_named = "Reception" in page.root.one("div", role="alert").text
            if not is_named or page.value("confirmed") != "inbound":
                wrong.append((query, typed))
    assert wrong == []
    assert page.value("label") == "Typed"
    page.send("Save and stop calls")
    assert audit(app)[-1].changes == {
        "inbound_agent_name": ["Reception", None],
        "label": ["Front desk", "Typed"],
    }


def test_a_number_is_found_by_its_digits_and_leads_to_its_neighbors(dana: Portal, many: list[str]) -> None:
    """In the list that it was opened from, also after an edit on its page; its ends lead nowhere."""
    assert dana.get(f"{PATH}/{many[7]}").title == shown(many[7])
    assert dana.get(f"{PATH}/+15550000000").path == f"{PATH}?q=%2B15550000000"
    dana.get(f"{PATH}/{'0' * 36}/delete", 404)
    table = dana.get(f"{PATH}?provider=twilio&sort=-number")
    listed = [link.text for link in table.root.all("a", css="pb-num")]
    page = table.follow(listed[0])
    walked = [page.title]
    assert not page.root.all("a", rel="prev")
    for _ in range(2):
        page = dana.get(page.root.one("a", rel="next")["href"])
        walked.append(page.title)
    assert walked == listed[:3]
    back = dana.get(page.root.one("a", rel="prev")["href"])
    assert back.title == listed[1]
    edited = back.follow("Edit").press("Save", label="Edited")
    assert edited.root.one("a", rel="next")["href"].endswith("?provider=twilio&sort=-number")
    dana.get(f"{page.path}&sort=nonsense".replace("sort=-number&", ""), 400)


def test_a_line_is_swapped_alone(app: Flask, dana: Portal, row: Endpoint) -> None:
    target = f"endpoint-{row.id}"
    table = dana.get(f"{PATH}?sort=label")
    form = dana.get(table.link("Edit +1 555-123-4567")["href"], htmx=target)
    assert [part.get("id") for part in form.root.all("tr")] == [target]
    shown = dana.get(form.link("Cancel")["hx-get"], htmx=target)
    assert "data-row" in shown.root.one("tr").attrs
    assert "pb-saved" not in shown.source
    refused = form.press("Save", 422, htmx=target, inbound_agent_name="a/b")
    assert refused.root.one("tr", css="pb-edit")["id"] == target
    saved = form.press("Save", htmx=target, inbound_agent_name="Ann")
    assert saved.root.one("tr", css="pb-saved")["data-row"] == row.id
    (undo,) = saved.root.all("a", **{"data-undo": ""})
    again = dana.post(undo["hx-post"], {"csrf_token": dana.token()}, htmx="endpoints")
    assert agents(again) == [("in", "Reception")]
    assert audit(app)[-1].action == "endpoint.restored"
    with unchanged(app):
        dana.post(undo["hx-post"], {"csrf_token": dana.token()}, 409)
        dana.post(f"{PATH}/undo/x", {"csrf_token": dana.token()}, 404)


def test_delete_confirms_and_can_be_undone(app: Flask, dana: Portal, row: Endpoint) -> None:
    with unchanged(app):
        page = dana.get(PATH).follow("Delete… +1 555-123-4567")
    assert page.title == "Delete +1 555-123-4567?"
    assert ["Front desk" in page.text, "Twilio" in page.text, "Reception" in page.text] == [True] * 3
    assert page.follow("Cancel").title == "Endpoints"
    page = page.press("Delete endpoint", reason="Given back")
    assert audit(app)[-1].changes["reason"] == [None, "Given back"]
    assert page.root.all("table") == []
    dana.get(f"{PATH}/{row.id}", 404)
    page.follow("Undo").send("Restore 1 endpoint")
    assert "Front desk" in dana.get(PATH).rows()[0]


def test_htmx_gets_the_block_alone_which_is_small(app: Flask, dana: Portal, row: Endpoint) -> None:
    """Others get the whole page. While the user types, a browser gets and draws the block with each key."""
    page = dana.get(PATH, htmx="endpoints")
    parts = [child.get("id") for child in page.root.children if not isinstance(child, str)]
    assert parts == ["endpoints", "matches", "views"]
    whole = dana.get(PATH).root.by_id("endpoints")
    assert page.root.by_id("endpoints").text == whole.text
    htmx = {"HX-Request": "true"}
    restored = htmx | {"HX-Target": "endpoints", "HX-History-Restore-Request": "true"}
    for headers in (htmx, htmx | {"HX-Target": "nothing-here"}, restored, {"HX-Target": "endpoints"}):
        assert dana.get(PATH, headers=headers).title == "Endpoints", headers
    with app.app_context():
        db.session.execute(delete(Endpoint))
        db.session.commit()
        many_rows.fill(db.engine.url.render_as_string(hide_password=False), "acme-support", 100)
    page = dana.get(PATH, htmx="endpoints")
    assert len(page.rows()) == 50
    assert len(page.source.encode()) <= 60_000


SEARCHES = {
    "q=Line+5": 11,
    "q=555-100-0007": 1,
    "q=agent+3": 12,
    "q=%25": 0,
    "q=%27%3B+DROP+TABLE+endpoints--": 0,
    "provider=exotel": 20,
    "active=off": 15,
    "provider=exotel&sync=blocked": 15,
    "agent=Agent+0&active=on&provider=twilio": 6,
    "agent=Unknown": 0,
    "provider=unknown": 0,
}


def test_the_table_is_sorted_and_paged(app: Flask, dana: Portal, cast: Cast, many: list[str]) -> None:
    def sorted_by(page: Page) -> dict[str, str]:
        return {th.text: th["aria-sort"] for th in page.root.all("th") if "aria-sort" in th.attrs}

    part = "endpoints"
    page = dana.get(PATH)
    assert sorted_by(page) == {"Number Label": "ascending"}
    page = page.follow("Number", htmx=part)
    assert page.path == f"{PATH}?sort=-number"
    assert sorted_by(page) == {"Number Label": "descending"}
    assert page.root.all("a", css="pb-num")[0].text == shown(many[-1])
    page = page.follow("Agent", htmx=part)
    assert sorted_by(page) == {"Agent": "ascending"}
    assert agents(page) == [("in", "Agent 0")]
    page = page.follow("Active", htmx=part).follow("Active")
    assert (page.path, page.value("sort")) == (f"{PATH}?sort=-active", "-active")
    assert page.root.by_id("endpoints").all("button", css="pb-toggle")[0]["aria-pressed"] == "true"

    first = dana.get(f"{PATH}?sort=-label&provider=twilio", htmx=part)
    second = first.follow("Next", htmx=part)
    assert not set(first.rows()) & set(second.rows())
    back = second.follow("Previous", htmx=part)
    assert back.rows() == first.rows()
    assert (first.has_link("Previous"), second.has_link("Next"), back.has_link("Next")) == (
        False,
        False,
        True,
    )
    assert second.link("First page")["href"] == f"{PATH}?provider=twilio&sort=-label"
    assert second.link("Provider")["href"] == f"{PATH}?provider=twilio&sort=provider"

    assert dana.get(f"{PATH}?cursor=x", 400).title == "Bad request"
    cursor = first.link("Next")["href"].split("cursor=")[1]
    for query in (
        "cursor=%00",
        "cursor=KzEy",
        f"cursor={'a' * 500}",
        f"sort=agent&cursor={cursor}",
        "sort=secret",
    ):
        assert dana.raw("GET", f"{PATH}?{query}").status_code == 400, query

    last = dana.get(PATH, htmx=part).follow("Next", htmx=part).follow("Next", htmx=part).path
    with scope_as(app, cast.dana) as scope:
        scope.session.execute(delete(Endpoint).where(Endpoint.phone_number.in_(many[50:])))
        scope.session.commit()
    page = dana.get(last, htmx=part)
    assert page.root.all("a", css="pb-num")[0].text == shown(many[0])
    assert not page.has_link("Previous")


def test_rows_show_what_blocks_them(app: Flask, dana: Portal, cast: Cast) -> None:
    made(app, cast, "+15551230001")
    made(app, cast, "+15551230002", inbound_agent_name="Ann")
    made(app, cast, "+15551230003", inbound_agent_name="Ann", is_active=False)
    rows = dana.get(PATH, htmx="endpoints").rows()
    assert ["No agent" in rows[0], "No base URL" in rows[1], "Inactive" in rows[2]] == [True] * 3
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": BASE_URL})
    page = dana.get(PATH)
    assert "Not connected" in page.rows()[1]
    assert page.follow("Not connected").title == "Twilio"


def test_page_shows_the_checks_of_each_day(app: Flask, dana: Portal, cast: Cast) -> None:
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
        save_result(scope, drifted())
    page = dana.get(PATH)
    small = page.root.one("svg", css="pb-strip-small")
    assert {part["class"] for part in small.all("path")} == {"pb-none", "pb-bad", "pb-ok"}
    assert small.one("title").text.startswith(f"{check_days.IN_TABLE} days: 50% ")
    page = page.follow("+1 555-123-4567")
    strip = page.root.one("section", id="check-history")
    days = strip.all("g", css="pb-strip-day")
    drawn = [[part["class"] for part in day.all("rect")][1:] for day in days]
    assert drawn == [["pb-none"]] * 29 + [["pb-bad", "pb-ok"]]
    (row,) = strip.one("tbody").all("tr")
    assert [cell.text for cell in row.all("td")] == ["2", "1", "1", "0"]
    assert len(strip.one("ul", css="pb-outages").all("li")) == 1
