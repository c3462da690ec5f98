"""The audit page."""

from __future__ import annotations

import csv
import json
import re
from datetime import timedelta

from flask import Flask
from werkzeug.test import TestResponse

from app.core import clock, messages
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.organizations import directory
from app.web.shell import figures
from tests.support.cast import Cast
from tests.support.full_organization import Furnished, scope_as
from tests.support.pages import Page, Portal, changes_in
from tests.support.scopes import OFFLINE

PATH = "/o/acme-support/audit"


def test_table_shows_actor_address_changes_and_results(dana: Portal, app: Flask, cast: Cast) -> None:
    dana.get("/o/acme-support/settings").send("Save", name="Acme", country="IN")
    row = dana.get(PATH).root.all("tr", **{"data-action": Action.ORGANIZATION_SAVED})[0]
    assert changes_in(row) == {"Name": ("Acme Support", "Acme"), "Country": ("India",)}
    assert [part.text for part in row.all("div", css="pb-break")] == ["Dana 127.0.0.1"]

    changes = {"result": [None, "bad_credentials"], "ends_at": [None, "2026-03-18T10:00:00Z"]}
    with scope_as(app, cast.dana) as scope, scope.transaction():
        log.note(scope, Action.CONNECTION_TESTED, "Twilio", changes)
    tested = f"{PATH}?action=connection.tested"
    (result,) = dana.get(tested).rows()
    assert "Result refused Ends at 18 Mar 2026, 10:00" in result
    (line,) = list(csv.reader(_file(dana, tested, "CSV").text.splitlines()))[1:]
    assert "refused" in line[6]
    assert "2026-03-18T10:00:00Z" in line[6]


def _events(page: Page) -> list[str]:
    """The texts of the events, on lines of their own and in folded ones."""
    return [element.text for element in page.root.all() if element.get("data-event")]


def test_repeats_are_one_line_that_unfolds(app: Flask, cast: Cast, dana: Portal) -> None:
    _happen(app, cast, "Twilio", "Twilio")
    _happen(app, cast, *["Vobiz", "Sinch", "Sinch", "Sinch"], action=Action.CONNECTION_TESTED)
    with scope_as(app, cast.gus) as scope:
        directory.update(scope, OFFLINE, {"name": "Globex Renamed"})
    page = dana.get(f"{PATH}?who=dana&action=providers")
    (row,) = page.rows()
    assert "4 times" in row
    (fold,) = page.root.all("details", css="pb-run")
    assert [element.get("data-event") != "" for element in fold.all("li")] == [True] * 4
    assert fold.one("summary").text == "Sinch, Vobiz"
    two = dana.get(f"{PATH}?action=endpoint.saved")
    assert (len(two.rows()), len(_events(two))) == (2, 2)
    assert len(_events(dana.get("/audit?who=Gus"))) >= 1, "found by name"


def _happen(app: Flask, cast: Cast, *subjects: str, action: Action = Action.ENDPOINT_SAVED) -> None:
    with scope_as(app, cast.dana) as scope, scope.transaction():
        for subject in subjects:
            log.note(scope, action, subject, {"label": ["=1+1", "b"]})


def test_table_is_paged_newest_first_within_its_filter(app: Flask, cast: Cast, dana: Portal) -> None:
    _happen(app, cast, *[f"{('Twilio', 'Sinch')[n % 2]} {n:03}" for n in range(120)])
    page, events = dana.get(PATH), []
    while True:
        assert len(_events(page)) <= 50
        events += _events(page)
        if not page.has_link("Older"):
            break
        page = page.follow("Older")
    things = [match[1] for row in events if (match := re.search(r"(?:Twilio|Sinch) (\d+)", row))]
    assert things == [f"{number:03}" for number in reversed(range(120))]
    assert page.follow("Newest").path == PATH

    page = dana.get(f"{PATH}?q=twil&action=endpoints&who=DANA&from=2020-01-01&to=2100-01-01")
    assert [page.value(name) for name in ("q", "action", "from", "to")] == [
        *("twil", "endpoints", "2020-01-01", "2100-01-01")
    ]
    older = page.follow("Older")
    assert [len(_events(listing)) for listing in (page, older)] == [50, 10]
    assert "Sinch" not in " ".join(page.rows() + older.rows())
    assert older.follow("Newer").rows() == page.rows()
    for place in ("x", "-1", "9" * 40, "9" * 5000, "1.5", "0", "999999999999999"):
        for side in ("before", "after"):
            assert dana.raw("GET", f"{PATH}?q=none&{side}={place}").status_code == 200, place


def test_days_are_the_readers_and_invalid_dates_are_reported(dana: Portal, app: Flask, cast: Cast) -> None:
    """In a zone where it is another day than in UTC; in UTC if this machine does not know the zone."""
    errors = {
        "from=soon": ("from", messages.NO_DATE),
        "from=20260101": ("from", messages.NO_DATE),
        "to=2026-02-30": ("to", messages.NO_DATE),
        "from=2026-03-02&to=2026-03-01": ("to", messages.END_BEFORE_START),
    }
    for query, (field, sentence) in errors.items():
        assert sentence in dana.get(f"{PATH}?{query}").root.by_id(f"audit-{field}-error").text
    for query in ("q=nothing+has+this", "about=Nothing"):
        page = dana.get(f"{PATH}?{query}")
        assert not page.root.all("table")
        assert page.link("Show all events")["href"] == PATH

    _happen(app, cast, "Twilio")
    now = clock.now()
    name, hours = ("Pacific/Kiritimati", 14) if now.hour >= 10 else ("Etc/GMT+12", -12)
    here = (now + timedelta(hours=hours)).date()
    assert here != now.date()

    def days(zone: str, query: str) -> list[str]:
        dana.client.set_cookie("patchbay-zone", zone)
        page = dana.get(f"{PATH}?action=endpoints&{query}")
        return [row.text for row in page.root.all("tr", css="pb-day")]

    assert days(name, "") == days(name, f"from={here}&to={here}") == [figures.plain_weekday(here)]
    assert days(name, f"from={now.date()}&to={now.date()}") == []
    assert days(name, "from=0001-01-01&to=9999-12-31") == [figures.plain_weekday(here)]
    for unknown in ("Nowhere/Town", "../../etc/passwd", "America", "x" * 300):
        assert days(unknown, f"from={now.date()}&to={now.date()}") == [figures.plain_weekday(now.date())]


def _file(portal: Portal, page: str, kind: str) -> TestResponse:
    answer = portal.raw("GET", portal.get(page).link(kind)["href"])
    assert answer.status_code == 200
    return answer


def test_csv_escapes_formulas_and_jsonl_has_every_event(app: Flask, cast: Cast, dana: Portal) -> None:
    """With the changes of one number, if it is filtered by."""
    _happen(app, cast, "Twilio", "=cmd|' /C calc'!A0")
    answer = _file(dana, f"{PATH}?q=cmd", "CSV")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-acme-support-')
    assert answer.content_type == "text/csv; charset=utf-8; header=present"
    header, row = csv.reader(answer.text.removeprefix("\ufeff").splitlines())
    cells = dict(zip(header, row, strict=True))
    assert cells["About"] == "'=cmd|' /C calc'!A0"
    assert (cells["What"], cells["Who"]) == (Action.ENDPOINT_SAVED.label, "dana@acme.example")
    assert cells["Changes"] == "Label: =1+1 \u2192 b"
    (exported,) = dana.get(PATH).root.all("tr", **{"data-action": Action.AUDIT_EXPORTED})
    assert changes_in(exported) == {"Format": ("csv",), "Search": ("cmd",)}
    numbers = ("+15551000001", "+15551000002")
    with scope_as(app, cast.dana) as scope, scope.transaction():
        reported = [(number, {"label": [number[-1], "x"]}) for number in numbers]
        log.record(scope, Action.ENDPOINTS_SAVED, "2 endpoints", {"label": ["1 (1), 2 (1)", "x"]}, reported)
    about = f"{PATH}?about=%2B15551000002"
    (row,) = list(csv.reader(_file(dana, about, "CSV").text.splitlines()))[1:]
    assert row[6] == "Label: 2 \u2192 x; Together with: \u2014 \u2192 2 endpoints"
    (event,) = map(json.loads, _file(dana, about, "JSON lines").text.splitlines())
    assert event["ofNumber"]["label"] == ["2", "x"]
    assert event["changes"]["label"] == ["1 (1), 2 (1)", "x"]
    assert event["numbersDigest"]

    _happen(app, cast, *[f"thing {number}" for number in range(1200)])
    answer = _file(dana, PATH, "JSON lines")
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert events[0]["action"] == "audit.exported"
    assert [event["subject"] for event in events[1:1201]] == [f"thing {n}" for n in reversed(range(1200))]
    assert events[1]["changes"] == {"label": ["=1+1", "b"]}
    assert {len(event["digest"]) for event in events} == {64}


def test_everywhere_is_filtered_exported_and_audited_once(
    app: Flask, cast: Cast, dana: Portal, mo: Portal
) -> None:
    with scope_as(app, cast.gus) as scope:
        directory.update(scope, OFFLINE, {"name": "Globex Renamed"})
    _happen(app, cast, *[f"thing {number}" for number in range(60)])
    mo.get("/audit", status=403)
    page = dana.get("/audit")
    assert page.data("action")[0] == Action.AUDIT_OPENED
    assert dana.get("/audit?q=Globex").follow("Globex Renamed").path == "/o/globex/audit"
    assert len(_events(dana.get(f"/audit?action={Action.AUDIT_OPENED}"))) == 1

    page = dana.get("/audit?in=acme-support")
    assert page.value("in") == "acme-support"
    assert len(_events(page)) == 50
    older = page.follow("Older")
    assert "in=acme-support" in older.path
    assert older.follow("Newer").rows() == page.rows()
    rows = page.rows() + older.rows()
    assert "thing 0" in " ".join(rows)
    assert "Globex" not in " ".join(rows)
    assert "Globex Renamed" in dana.get("/audit?in=globex&action=organization").rows()[0]
    nowhere = dana.get("/audit?in=-")
    assert nowhere.data("action")[0] == Action.AUDIT_OPENED
    assert not [row for row in nowhere.rows() if "thing" in row or "Globex" in row]
    dana.get("/audit?in=no-such", 404)
    assert len(_events(dana.get(f"{PATH}?in=-"))) == 50, "an organization's own page has no such filter"

    answer = _file(dana, "/audit", "CSV")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-everywhere-')
    _, *lines = csv.reader(answer.text.removeprefix("\ufeff").splitlines())
    places = {(line[5], line[8]) for line in lines}
    assert {("thing 0", "Acme Support"), ("audit", "")} <= places
    assert "Globex Renamed" in {line[8] for line in lines}
    answer = _file(dana, "/audit?in=globex&action=organization", "JSON lines")
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert {event["organizationId"] for event in events} == {cast.globex}
    exported = dana.get("/audit?action=audit.exported").rows()[0]
    assert "Organization globex" in exported
    assert mo.raw("GET", "/audit.csv").status_code == 403
    assert messages.NO_DATE in dana.get("/audit.csv?from=soon").text


def test_pages_lead_to_the_history_of_their_thing(here: Furnished, dana: Portal, *, thorough: bool) -> None:
    """Thorough, from every page that has such a link."""
    person, endpoint = f"people/{here.ids['user_id']}", f"endpoints/{here.ids['endpoint_id']}"
    cards = ("settings", "voice-ai", "providers/twilio", person, endpoint)
    ai = f"{person}/numbers/{here.ids['number_id']}/ai"
    few = [
        ("settings", "All events about this"),
        (endpoint, "All events about this"),
        ("trace?number=%2B15551234567", "History of +1 555-123-4567"),
        ("/account", "History"),
    ]
    others = [(path, "All events about this") for path in (*cards, ai)]
    others += [(f"{endpoint}/provider", "History"), (person, "History of the tokens")]
    wrong = []
    for path, name in [*few, *others] if thorough else few:
        page = dana.get(path if path.startswith("/") else f"/o/acme-support/{path}")
        history = page.follow(name)
        expected_query = "action=organization" if path == "settings" else "about="
        has_card = bool(page.root.all("section", id="history")) or not name.startswith("All")
        if not history.path.startswith(f"{PATH}?{expected_query}") or not (
            history.rows() or page.path == "/account"
        ):
            wrong.append((path, history.path))
        if not has_card:
            wrong.append((path, "no card"))
    assert wrong == []
    assert dana.get("/o/acme-support/providers/sinch/callback").root.all("section", id="history") == []
