"""Endpoints out as CSV, and in again: looked at first, then applied."""

from __future__ import annotations

import io
import re
import threading
from typing import Any

from flask import Flask

from app.core import phone
from app.models import Endpoint, EndpointImport
from app.services.endpoints import crud, csv_import, listing, messages, paging
from app.services.endpoints.csv_format import MOST_ROWS
from app.services.endpoints.fields import COLUMNS
from app.services.organizations import directory
from app.web.endpoints.csv import MAX_BYTES
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.live_numbers import go_live
from tests.support.pages import HOME, Page, Portal, changes_in
from tests.support.rows import audit, unchanged
from tests.support.scopes import OFFLINE

PATH = "/o/acme-support/endpoints"
NEW = f"{PATH}/import"
FIRST, SECOND = "+15551234567", "+15551234568"
SECONDS = 30
HEADER = "phone_number,provider,inbound_agent_name,label"


def upload(portal: Portal, raw: bytes, status: int = 200, name: str = "lines.csv") -> Page:
    """Chooses the file in the form, and sends it as a browser does."""
    submitted: dict[str, Any] = {"csrf_token": portal.token(), "rows": "", "file": (io.BytesIO(raw), name)}
    answer = portal.client.post(NEW, data=submitted, base_url=HOME, content_type="multipart/form-data")
    if answer.status_code == 303:
        return led_on(portal.get(answer.headers["Location"], status))
    assert answer.status_code == status
    return Page(portal, NEW, answer)


def led_on(page: Page) -> Page:
    """The page that a job's page leads to when the job has ended; any other page is itself."""
    if "/jobs/" not in page.path:
        return page
    for thread in threading.enumerate():
        if thread.name == "job":
            thread.join(SECONDS)
    return page.portal.get(page.path)


def paste(portal: Portal, *rows: str, status: int = 200) -> Page:
    return led_on(portal.get(NEW).press("Preview import", status, rows="\n".join([HEADER, *rows])))


def made(app: Flask, cast: Cast, number: str = FIRST, *, elsewhere: bool = False, **values: Any) -> Endpoint:
    with scope_as(app, cast.gus if elsewhere else cast.dana) as scope:
        return crud.create(scope, {"phone_number": number, "provider": "twilio", **values})


def numbers(app: Flask, cast: Cast) -> list[str]:
    with scope_as(app, cast.dana) as scope:
        return [row.phone_number for row in paging.page(scope, listing.Filter(), limit=100).rows]


def totals(page: Page) -> dict[str, int]:
    """How many rows the preview or the result has of each outcome that is not empty."""
    counted = {one["data-outcome"]: one.text for one in page.root.all("dd") if "data-outcome" in one.attrs}
    return {outcome: int(text.replace(",", "")) for outcome, text in counted.items() if text != "0"}


def test_import_shows_a_preview_first(app: Flask, cast: Cast, dana: Portal) -> None:
    made(app, cast, label="Old")
    with unchanged(app, but=("endpoint_imports",)):
        page = upload(dana, f"{HEADER}\n{FIRST},twilio,Reception,New\n{SECOND},exotel,,\n".encode())
    assert [part.text for part in page.root.one("header", css="pb-head").all("bdi")][-2:] == [
        *("lines.csv", "dana@acme.example")
    ]
    assert totals(page) == {"changed": 1, "added": 1}
    assert page.rows() == [
        f"2 {phone.display(FIRST)} Inbound agent: — → Reception Label: Old → New",
        f"3 {phone.display(SECOND)} Provider: Exotel",
    ]
    done = page.press("Import 2 rows", reason="Moved office")
    assert done.path == f"{page.path}?imported=1"
    assert (len(done.root.all(css="pb-note")), totals(done)) == (1, {"changed": 1, "added": 1})
    assert not done.has_button("Import 2 rows")
    assert numbers(app, cast) == [FIRST, SECOND]
    event = audit(app)[-1]
    assert event.action == "endpoints.imported"
    about = dana.get(f"/o/acme-support/audit?about=%2B{SECOND[1:]}").root.one(
        "tr", **{"data-event": str(event.id)}
    )
    assert changes_in(about)["Reason"] == ("Moved office",)
    log = dana.get("/o/acme-support/audit?action=endpoints")
    assert log.follow(f"View and undo… lines.csv, event {event.id}").has_link("Undo…")


def test_template_imports_and_has_no_changes_then(app: Flask, cast: Cast, dana: Portal) -> None:
    answer = dana.raw("GET", dana.get(NEW).link("Download template")["href"])
    assert 'filename="endpoints-template.csv"' in answer.headers["Content-Disposition"]
    page = upload(dana, answer.data)
    assert totals(page) == {"added": 2}
    page.press("Import 2 rows")
    pasted = answer.text.removeprefix("\ufeff").replace(",", "\t")
    again = led_on(dana.get(PATH).follow("Import CSV").press("Preview import", rows=pasted))
    assert totals(again) == {"unchanged": 2}
    assert [button.text for button in again.root.one("main").all("button")] == []


def test_unreadable_file_is_refused_and_invalid_rows_are_shown_first(
    app: Flask, dana: Portal, cast: Cast
) -> None:
    for field in ["file", "rows"]:
        with unchanged(app):
            if field == "file":
                page = upload(dana, b"phone_number,providr\n1,2", 422)
            else:
                page = dana.get(NEW).press("Preview import", 422, rows="phone_number,providr\n1,2")
                assert page.value("rows") == "phone_number,providr 1,2"
        assert page.error(field) == messages.unknown_column("providr", COLUMNS, "provider")

    page = dana.get(NEW).press("Preview import", 422)
    assert page.error("rows")

    made(app, cast, SECOND, elsewhere=True)
    page = paste(dana, f"{FIRST},twilio,,", "1.55512E+10,twilio,,", f"{SECOND},twilio,,", "<b>x</b>,,,")
    first, second, third, last = page.rows()
    assert first.startswith("3 1.55512E+10 ")
    assert second == f"4 {SECOND} {messages.IN_USE}"
    assert third.startswith("5 <b>x</b> ")
    assert last == f"2 {phone.display(FIRST)} Provider: Twilio"
    assert not page.has_button("Import 1 row")
    assert SECOND in str(page.follow("Correct the rows").value("rows"))
    assert "Globex" not in page.text
    report = dana.raw("GET", f"{page.path}/report.csv")
    assert report.text.splitlines()[2].startswith("3,1.55512E+10,refused,")
    assert totals(page) == {"refused": 3, "added": 1}
    dana.post(f"{page.path}/apply", {"csrf_token": dana.token(), "version": "1"}, 409)
    assert numbers(app, cast) == []


def test_import_of_a_stale_preview_imports_nothing(app: Flask, cast: Cast, dana: Portal) -> None:
    """A row that is here by now is shown first; one that is another organization's is refused."""
    page = paste(dana, f"{FIRST},twilio,,", f"{SECOND},twilio,,")
    made(app, cast, SECOND)
    page.press("Import 2 rows", 409)
    stale = page.press("Import 2 rows", 412)
    assert stale.has_button("Import 1 row")
    assert numbers(app, cast) == [SECOND]

    third, fourth = "+15551234569", "+15551234560"
    page = paste(dana, f"{third},twilio,,", f"{fourth},twilio,,")
    made(app, cast, fourth, elsewhere=True)
    again = page.press("Import 2 rows", 409)
    assert messages.IN_USE in again.notes
    assert not again.has_button("Import 1 row")
    assert numbers(app, cast) == [SECOND]


def test_the_preview_warns_of_live_numbers_that_go_down(app: Flask, cast: Cast, dana: Portal) -> None:
    made(app, cast, inbound_agent_name="Reception")
    with scope_as(app, cast.dana) as scope:
        go_live(scope)
    page = upload(dana, f"phone_number,is_active\n{FIRST},no".encode())
    page.root.by_id("stops-inbound")
    page = page.press("Import 1 row")
    assert not page.root.all("div", id="stops-inbound")
    undo = page.follow("Undo…")
    assert not undo.root.all("div", id="stops-inbound")


def test_the_preview_is_cut_and_the_report_is_not(app: Flask, cast: Cast, dana: Portal) -> None:
    """An arrow between two labels from right to left points from the first to the second."""
    page = paste(dana, *(f"+1555123{n},twilio,," for n in range(4000, 4150)))
    assert len(page.rows()) == csv_import.SHOWN
    assert totals(page) == {"added": 150}
    assert [word in page.root.one("div", css="pb-foot").text for word in ("100", "150")] == [True, True]
    assert len(dana.raw("GET", f"{page.path}/report.csv").text.splitlines()) == 151
    made(app, cast, label="שרה")
    page = paste(dana, f"{FIRST},twilio,,תמר")
    report = dana.raw("GET", f"{page.path}/report.csv").text
    assert "label: \u2068שרה\u2069 → \u2068תמר\u2069" in report


def test_export_has_what_the_filter_shows(app: Flask, cast: Cast, dana: Portal) -> None:
    made(app, cast, label="Front desk", inbound_agent_name="Reception")
    made(app, cast, SECOND, label="=1+1")
    made(app, cast, "+15550009999", elsewhere=True)
    link = dana.get(f"{PATH}?q=front").link("Export")["href"]
    answer = dana.raw("GET", link)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    name = re.fullmatch(r'attachment; filename="(.*)"', answer.headers["Content-Disposition"])
    assert name
    assert re.fullmatch(r"endpoints-acme-support-\d{4}-\d\d-\d\d\.csv", name[1])
    assert answer.data.startswith(b"\xef\xbb\xbfphone_number,provider,")
    assert len(answer.text.splitlines()) == 2
    every = dana.raw("GET", f"{PATH}.csv").text
    assert [line.split(",")[0] for line in every.splitlines()[1:]] == [f"'{FIRST}", f"'{SECOND}"]
    assert ",'=1+1," in every
    page = upload(dana, every.encode())
    assert totals(page) == {"unchanged": 2}


def test_uploads_have_a_larger_limit_which_the_largest_export_fits(
    app: Flask, cast: Cast, dana: Portal, anonymous: Portal
) -> None:
    """With names as long as people give, and the computed columns that come along."""
    long = "x" * 50_000
    rows = "\n".join([f"{HEADER},inbound_webhook_url", *(f"+1212{n:07d},twilio,,,{long}" for n in range(21))])
    assert len(rows) > 1_000_000
    assert totals(upload(dana, rows.encode())) == {"added": 21}
    pasted = led_on(dana.get(NEW).press("Preview import", rows=rows))
    assert totals(pasted) == {"added": 21}
    with scope_as(app, cast.dana) as scope:
        assert "Pasted rows" in [
            stored.file_name for stored in scope.session.scalars(scope.select(EndpointImport))
        ]
    with unchanged(app, but=("sessions",)):
        assert upload(dana, b"x" * MAX_BYTES, 413).text.count("50 MB") == 1
        submitted = {"csrf_token": dana.token(), "name": "x" * 1_000_001}
        reported = dana.raw("POST", "/o/acme-support/settings", data=submitted)
        assert (reported.status_code, reported.text.count("1 MB")) == (413, 1)
        assert anonymous.raw("POST", NEW, data={"rows": "x" * 1_000_001}).status_code == 413

    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": f"https://{'voice.' * 8}acme.example"})
    agent = "Réception des appels du soir"
    made(app, cast, inbound_agent_name=agent, outbound_agent_name=agent, label="x" * 100)
    header, row = dana.raw("GET", f"{PATH}.csv").data.splitlines(keepends=True)
    assert len(header) + len(row) * MOST_ROWS < MAX_BYTES
