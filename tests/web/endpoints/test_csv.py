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
from tests.support.pages import HOME, Page, Portal
from tests.support.rows import audit, unchanged
from tests.support.scopes import OFFLINE

PATH = "/o/acme-support/endpoints"
NEW = f"{PATH}/import"
FIRST, SECOND = "+15551234567", "+15551234568"
SECONDS = 30
HEADER = "phone_number,provider,inbound_agent_name,label"


def upload(portal: Portal, raw: bytes, status: int = 200, name: str = "lines.csv") -> Page:
    """Chooses the file in the form, and sends it as a browser does."""
    sent: dict[str, Any] = {"csrf_token": portal.token(), "rows": "", "file": (io.BytesIO(raw), name)}
    answer = portal.client.post(NEW, data=sent, base_url=HOME, content_type="multipart/form-data")
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


def test_the_report_keeps_the_order_of_right_to_left_values(app: Flask, cast: Cast, dana: Portal) -> None:
    """Two names from right to left, and an arrow between them that points from the first to the second."""
    made(app, cast, label="שרה")
    page = upload(dana, f"{HEADER}\n{FIRST},twilio,,תמר\n".encode())
    report = dana.raw("GET", f"{page.path}/report.csv").text
    assert "label: \u2068שרה\u2069 → \u2068תמר\u2069" in report


def test_import_shows_a_preview_first(app: Flask, cast: Cast, dana: Portal) -> None:
    made(app, cast, label="Old")
    with unchanged(app, but=("endpoint_imports",)):
        page = upload(dana, f"{HEADER}\n{FIRST},twilio,Reception,New\n{SECOND},exotel,,\n".encode())
    assert page.title == "Import endpoints"
    assert ["lines.csv" in page.text, "dana@acme.example" in page.text] == [True, True]
    assert "Invalid 0 Will be changed 1 Will be added 1 Unchanged 0" in page.text
    assert page.rows() == [
        f"2 {phone.display(FIRST)} Inbound agent: — → Reception Label: Old → New",
        f"3 {phone.display(SECOND)} Provider: Exotel",
    ]
    done = page.press("Import 2 rows", reason="Moved office")
    assert "Imported: 1 added, 1 changed." in done.notes
    assert "Reason Moved office" in dana.get(f"/o/acme-support/audit?about=%2B{SECOND[1:]}").text
    assert (
        "Undo…"
        in dana.get("/o/acme-support/audit?action=endpoints")
        .follow("View and undo… lines.csv, event " + str(audit(app)[-1].id))
        .root.one("main")
        .text
    )
    assert done.title == "Imported endpoints"
    assert not done.has_button("Import 2 rows")
    assert numbers(app, cast) == [FIRST, SECOND]
    assert "endpoints.imported" in [event.action for event in audit(app)]
    assert "Endpoints imported" in dana.get("/o/acme-support/audit").text


def test_rows_can_be_pasted(app: Flask, cast: Cast, dana: Portal) -> None:
    page = dana.get(PATH).follow("Import CSV")
    pasted = f"{HEADER}\n{FIRST},twilio,Reception,".replace(",", "\t")
    page.press("Preview import", rows=pasted).press("Import 1 row")
    assert numbers(app, cast) == [FIRST]


def test_the_preview_shows_invalid_rows_first(app: Flask, cast: Cast, dana: Portal) -> None:
    made(app, cast, SECOND, elsewhere=True)
    page = paste(dana, f"{FIRST},twilio,,", "1.55512E+10,twilio,,", f"{SECOND},twilio,,", "<b>x</b>,,,")
    first, second, third, last = page.rows()
    assert first.startswith("3 1.55512E+10 The spreadsheet shortened this number")
    assert second == f"4 {SECOND} {messages.IN_USE}"
    assert third.startswith("5 <b>x</b> Enter the number with its country code")
    assert last == f"2 {phone.display(FIRST)} Provider: Twilio"
    assert not page.has_button("Import 1 row")
    assert SECOND in str(page.follow("Correct the rows").value("rows"))
    assert "Globex" not in page.text
    report = dana.raw("GET", f"{page.path}/report.csv")
    assert report.text.splitlines()[2].startswith("3,1.55512E+10,refused,")
    dana.post(f"{page.path}/apply", {"csrf_token": dana.token(), "version": "1"}, 409)
    assert numbers(app, cast) == []


def test_import_of_an_unreadable_or_missing_file_is_refused(app: Flask, dana: Portal) -> None:
    for field in ["file", "rows"]:
        with unchanged(app):
            if field == "file":
                page = upload(dana, b"phone_number,providr\n1,2", 422)
            else:
                page = dana.get(NEW).press("Preview import", 422, rows="phone_number,providr\n1,2")
                assert page.value("rows") == "phone_number,providr 1,2"
        assert page.error(field) == messages.unknown_column("providr", COLUMNS, "provider")

    page = dana.get(NEW).press("Preview import", 422)
    assert "Choose a file, or paste rows" in page.error("rows")


def test_import_after_a_change_imports_nothing(app: Flask, cast: Cast, dana: Portal) -> None:
    page = paste(dana, f"{FIRST},twilio,,", f"{SECOND},twilio,,")
    made(app, cast, SECOND, elsewhere=True)
    again = page.press("Import 2 rows", 409)
    assert messages.IN_USE in again.notes
    assert not again.has_button("Import 1 row")
    assert numbers(app, cast) == []


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


def test_import_of_a_stale_preview_imports_nothing(app: Flask, cast: Cast, dana: Portal) -> None:
    page = paste(dana, f"{FIRST},twilio,,", f"{SECOND},twilio,,")
    made(app, cast, SECOND)
    page.press("Import 2 rows", 409)
    stale = page.press("Import 2 rows", 412)
    assert stale.has_button("Import 1 row")
    assert numbers(app, cast) == [SECOND]


def test_preview_without_changes_has_no_import_button(app: Flask, cast: Cast, dana: Portal) -> None:
    made(app, cast)
    page = paste(dana, f"{FIRST},twilio,,")
    assert [button.text for button in page.root.one("main").all("button")] == []


def test_the_preview_is_cut_and_the_report_is_not(app: Flask, cast: Cast, dana: Portal) -> None:
    page = paste(dana, *(f"+1555123{n},twilio,," for n in range(4000, 4150)))
    assert len(page.rows()) == csv_import.SHOWN
    assert "First 100 of 150." in page.text
    assert len(dana.raw("GET", f"{page.path}/report.csv").text.splitlines()) == 151


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
    assert "Unchanged 2" in page.text


def test_the_template_imports(dana: Portal) -> None:
    answer = dana.raw("GET", dana.get(NEW).link("Download template")["href"])
    assert 'filename="endpoints-template.csv"' in answer.headers["Content-Disposition"]
    assert "Will be added 2" in upload(dana, answer.data).text


def test_uploads_have_a_larger_limit(app: Flask, dana: Portal, anonymous: Portal) -> None:
    rows = b"".join(b"+1212%07d,twilio,,%s\n" % (n, b"x" * 150) for n in range(7000))
    assert len(rows) > 1_000_000
    assert "Will be added 7,000" in upload(dana, HEADER.encode() + b"\n" + rows).text
    with unchanged(app, but=("sessions",)):
        refused = upload(dana, b"x" * MAX_BYTES, 413)
        assert "too large: at most 50 MB can be sent here" in refused.text
        sent = {"csrf_token": dana.token(), "name": "x" * 1_000_001}
        reported = dana.raw("POST", "/o/acme-support/settings", data=sent)
        assert reported.status_code == 413
        assert "at most 1 MB" in reported.text
        assert anonymous.raw("POST", NEW, data={"rows": "x" * 1_000_001}).status_code == 413


def test_export_of_the_most_rows_fits_the_upload_limit(app: Flask, cast: Cast, dana: Portal) -> None:
    """With names as long as people give, and the computed columns that come along."""
    with scope_as(app, cast.dana) as scope:
        directory.update(scope, OFFLINE, {"public_base_url": f"https://{'voice.' * 8}acme.example"})
    agent = "Réception des appels du soir"
    made(app, cast, inbound_agent_name=agent, outbound_agent_name=agent, label="x" * 100)
    header, row = dana.raw("GET", f"{PATH}.csv").data.splitlines(keepends=True)
    assert len(header) + len(row) * MOST_ROWS < MAX_BYTES


def test_many_rows_can_be_pasted(app: Flask, cast: Cast, dana: Portal) -> None:
    rows = [f"+1212{n:07d},twilio,,{'x' * 150}" for n in range(7000)]
    assert "Will be added 7,000" in paste(dana, *rows).text
    with scope_as(app, cast.dana) as scope:
        (stored,) = scope.session.scalars(scope.select(EndpointImport))
        assert stored.file_name == "Pasted rows"
