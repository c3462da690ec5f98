from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.errors import Conflict, NotFound, Stale
from app.models import AuditEvent, DriftCheck, Endpoint, EndpointImport
from app.services import progress
from app.services.audit import search
from app.services.endpoints import crud, csv_format, csv_import, messages
from app.services.endpoints.fields import COLUMNS
from app.services.endpoints.listing import Filter
from app.services.organizations import directory
from tests.support.live_numbers import go_live
from tests.support.scopes import OFFLINE, Fault, failing_at, statements, winners

FIRST, SECOND, THIRD = "+15551234567", "+15551234568", "+15551234569"
HEADER = "phone_number,provider,inbound_agent_name,outbound_agent_name,label,is_active"


def sheet(*rows, header=HEADER):
    return "\r\n".join([header, *rows]).encode()


def checked(scope, raw, file_name=""):
    return csv_import.check(scope, csv_format.open_table(raw), file_name)


def made(scope, number=FIRST, **values):
    payload = {"phone_number": number, "provider": "twilio", "inbound_agent_name": "Reception", **values}
    return crud.create(scope, payload)


def settle(scope, values):
    directory.update(scope, OFFLINE, values)


def rows(scope, model=Endpoint):
    scope.session.expire_all()
    return sorted(scope.session.scalars(scope.select(model)), key=lambda row: row.phone_number)


def stored(scope):
    names = COLUMNS
    return [tuple(getattr(row, name) for name in names) for row in rows(scope)]


def totals(preview):
    return {name: count for name, count in preview.shown["totals"].items() if count}


def refused(preview):
    return [(row["line"], row["said"]) for row in preview.shown["rows"]["refused"]]


def test_apply_adds_endpoints_and_leaves_fields_without_a_column(acme):
    preview = checked(
        acme, sheet(f"{FIRST},twilio,Reception,Sales,Front desk,true", f"{SECOND},exotel,,,,no")
    )
    assert totals(preview) == {"added": 2}
    assert rows(acme) == []
    assert csv_import.apply(acme, preview.id, version=preview.version).applied_at
    assert stored(acme) == [
        (FIRST, "twilio", "Reception", "Sales", "Front desk", True),
        (SECOND, "exotel", None, None, None, False),
    ]
    assert {row.version for row in rows(acme)} == {1}

    preview = checked(acme, sheet(f"Night desk;{FIRST}", header=" Inbound Agent Name;PHONE-number"))
    assert "provider, outbound_agent_name, label, is_active" in preview.shown["notes"][0]
    csv_import.apply(acme, preview.id)
    assert stored(acme)[0] == (FIRST, "twilio", "Night desk", "Sales", "Front desk", True)


@pytest.mark.both_databases
def test_apply_changes_what_differs_and_nothing_else(acme):
    made(acme, label="Old")
    made(acme, SECOND)
    made(acme, THIRD)
    preview = checked(acme, sheet(f"{FIRST},TWILIO,,Sales,New,no", f"{SECOND},,Reception,,,"))
    assert totals(preview) == {"changed": 1, "unchanged": 1}
    (row,) = preview.shown["rows"]["changed"]
    assert row["before"] == {
        "inbound_agent_name": "Reception",
        "outbound_agent_name": None,
        "label": "Old",
        "is_active": True,
    }
    assert row["values"] == {
        "inbound_agent_name": None,
        "outbound_agent_name": "Sales",
        "label": "New",
        "is_active": False,
    }
    csv_import.apply(acme, preview.id)
    assert stored(acme)[0] == (FIRST, "twilio", None, "Sales", "New", False)
    assert [row.version for row in rows(acme)] == [2, 1, 1], "nothing is deleted, or written for nothing"


BAD_ROWS = {
    ",twilio,,,,": messages.NO_NUMBER,
    "1.55512E+10,twilio,,,,": "The spreadsheet shortened this number to 1.55512E+10",
    "call Mo,twilio,,,,": "Enter the number with its country code",
    f"{SECOND},,,,,": "provider: ",
    f"{SECOND},acme,,,,": "provider: Use twilio or ",
    f"{SECOND},twilio,a/b,,,": "inbound_agent_name: ",
    f"{SECOND},twilio,,,{'x' * 201},": "label: ",
    f'{SECOND},twilio,,,"two\nlines",': "label: ",
    f"{SECOND},twilio,,,,maybe": "is_active: ",
    f"{SECOND},twilio,,,,yes,more": messages.EXTRA_CELL,
    f"{FIRST},exotel,,,,": f"provider: {messages.FIXED}",
    "+15550009999,twilio,,,,": messages.IN_USE,
}


def test_check_refuses_a_bad_row_with_its_line_reason_and_cell(acme, globex):
    ((_, said),) = refused(checked(acme, sheet(f"{SECOND},twillio,,,,")))
    assert "twillio" in said
    ((_, said),) = refused(checked(acme, sheet(f"{SECOND},twilio,,,{'x' * 201},")))
    assert "x" * 40 in said
    assert "x" * 41 not in said

    preview = checked(acme, sheet(f"{FIRST},twilio,,,,", f"{SECOND},twilio,,,,", "15551234567,twilio,,,,"))
    assert refused(preview) == [(2, messages.repeated_number([4])), (4, messages.repeated_number([2]))]

    made(acme)
    made(globex, "+15550009999", label="Theirs")
    wrong = []
    for row, reason in BAD_ROWS.items():
        preview = checked(acme, sheet(f"{THIRD},twilio,,,,", row))
        ((line, said),) = refused(preview)
        if line != 3 or not said.startswith(reason) or "Theirs" in repr(preview.shown):
            wrong.append((row, said))
    assert wrong == []
    before = stored(acme)
    with pytest.raises(Conflict) as reported:
        csv_import.apply(acme, preview.id)
    assert reported.value.code == "ROWS_REFUSED"
    assert stored(acme) == before


def test_check_reads_cells_as_spreadsheets_write_them(acme):
    """Marks of direction, spaces that do not break, digits of other scripts, words for yes and no."""
    header = HEADER.replace(",", "|").replace("phone_number", "\ufeffPhone\u00a0number")
    preview = checked(
        acme,
        sheet(
            "\u202a+1\u00a0(555)\u00a0123-4567\u202c|\u200etwilio|Reception|||\u200fja",
            "١٥٥٥١٢٣٤٥٦٨|Twilio||||NEIN",
            '="+15551234569"|twilio|||"=HYPERLINK(""x"")"|oui',
            header=header,
        ),
    )
    assert refused(preview) == []
    csv_import.apply(acme, preview.id)
    assert stored(acme) == [
        (FIRST, "twilio", "Reception", None, None, True),
        (SECOND, "twilio", None, None, None, False),
        (THIRD, "twilio", None, None, '=HYPERLINK("x")', True),
    ]


def test_check_notes_how_it_read_numbers_with_each_country(acme):
    settle(acme, {"country": "US"})
    preview = checked(
        acme, sheet("442079460958,twilio,,,,", "(212) 555-1234,twilio,,,,", "'+15551234567,twilio,,,,")
    )
    assert preview.shown["notes"] == [messages.plus_added(1), messages.country_assumed(1, "United States")]
    settle(acme, {"country": "GB"})
    again = csv_import.apply(acme, preview.id)
    assert (again.applied_at, rows(acme)) == (None, [])
    read = {row["number"] for row in again.shown["rows"]["added"]}
    assert read == {"+442079460958", "+442125551234", FIRST}
    settle(acme, {"country": "US"})
    assert csv_import.apply(acme, preview.id).applied_at is None
    assert csv_import.apply(acme, preview.id).applied_at
    assert [row.phone_number for row in rows(acme)] == ["+12125551234", FIRST, "+442079460958"]


def test_check_of_an_export_is_unchanged_and_of_the_template_adds(acme):
    settle(acme, {"public_base_url": "https://voice.acme.example"})
    labels = ["=HYPERLINK(1)", "'+1", '="x"', 'a "b"; c, d', "@home", "-", "Café 🔔", None]
    for n, label in enumerate(labels):
        made(acme, f"+1555123{4000 + n}", label=label, inbound_agent_name="+agent" if n else None)
    written = b"".join(csv_format.written(acme, Filter()))
    table = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert table[0] == [*COLUMNS, "created_at", "inbound_webhook_url", "health", "proven_at"]
    assert not [cell for row in table for cell in row if cell[:1] in ("=", "+", "-", "@")]
    preview = checked(acme, written)
    assert totals(preview) == {"unchanged": len(labels)}
    assert preview.shown["notes"] == [messages.computed_columns(csv_format.READ_ONLY)]
    shorter = checked(acme, b"".join(csv_format.written(acme, Filter(text="Café"))))
    assert totals(shorter) == {"unchanged": 1}
    assert totals(checked(acme, b"".join(csv_format.template()))) == {"added": 2}


def test_apply_records_one_event_found_by_each_number(acme):
    made(acme, label="Old")
    preview = checked(acme, sheet(f"{FIRST},,Reception,,New,", f"{SECOND},twilio,,,,"), "lines.csv")
    revision = acme.organization.revision
    csv_import.apply(acme, preview.id)
    (whole,) = acme.session.scalars(acme.select(AuditEvent).where(AuditEvent.action == "endpoints.imported"))
    assert (whole.subject, whole.changes) == ("lines.csv", {"changed": [None, 1], "added": [None, 1]})
    history = search.history(acme, FIRST)
    assert history.rows[0] == whole
    assert history.changes(whole) == {"label": ["Old", "New"], "imported_from": [None, "lines.csv"]}
    assert history.rows[1].action == "endpoint.created"
    assert search.about(acme, SECOND) == [whole]
    assert search.history(acme, SECOND).changes(whole)["provider"] == [None, "twilio"]
    acme.session.refresh(acme.organization)
    assert acme.organization.revision > revision

    other = checked(acme, sheet(f"{THIRD},twilio,,,,"))
    assert csv_import.event(acme, other) is None
    csv_import.apply(acme, other.id)
    events = [csv_import.event(acme, csv_import.get(acme, one.id)) for one in (preview, other)]
    assert events == [whole, search.recent(acme)[0]]


def test_apply_queues_checks_of_changed_webhooks(acme):
    made(acme)
    made(acme, SECOND)
    with acme.transaction():
        for row in rows(acme, DriftCheck):
            row.due = False
    requested: list[str] = []
    scope = replace(acme, queue_drift_check=requested.append)
    preview = checked(
        scope,
        sheet(
            f"{FIRST},,Reception,,Label alone,", f"{SECOND},,Night desk,,,", f"{THIRD},twilio,Reception,,,"
        ),
    )
    assert requested == []
    csv_import.apply(scope, preview.id)
    assert requested == [acme.organization.id]
    assert {row.phone_number: row.due for row in rows(acme, DriftCheck)} == {
        FIRST: False,
        SECOND: True,
        THIRD: True,
    }


def test_apply_with_a_failing_statement_changes_nothing(acme, engine, report):
    """Whichever statement fails, nothing of it stays; afterwards it can be applied."""
    made(acme, label="Old")
    preview = checked(acme, sheet(f"{FIRST},,Night desk,,New,", f"{SECOND},twilio,Reception,,,"))
    before = dumped(acme)
    failed = 0
    while dumped(acme) == before:
        failed += 1
        with suppress(Fault), failing_at(engine, failed):
            csv_import.apply(acme, preview.id)
    report("SQL statement fails", tried=failed - 1, survived=failed - 1)
    assert failed > 10
    assert [row.label for row in rows(acme)] == ["New", None]


def dumped(scope):
    """What an import writes."""
    scope.session.rollback()
    events = scope.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id))
    due = [(row.phone_number, row.due) for row in rows(scope, DriftCheck)]
    return stored(scope), list(events), due, list(scope.session.scalars(select(EndpointImport.applied_at)))


def test_apply_after_a_change_returns_a_fresh_preview(acme):
    first = made(acme, label="Old")
    preview = checked(acme, sheet(f"{FIRST},,Reception,,New,", f"{SECOND},twilio,,,,"))
    crud.update(acme, first.id, {"label": "New"})
    again = csv_import.apply(acme, preview.id)
    assert again.applied_at is None
    assert totals(again) == {"unchanged": 1, "added": 1}
    assert again.shown["moved"] == [
        {"line": 2, "number": FIRST, "was": "changed", "is": "unchanged", "said": ""}
    ]
    assert [row.phone_number for row in rows(acme)] == [FIRST]
    assert csv_import.apply(acme, preview.id).applied_at
    assert [row.phone_number for row in rows(acme)] == [FIRST, SECOND]


def test_the_preview_counts_the_live_numbers_that_it_takes_down(acme):
    """Also if they became live after it: nothing is imported before a preview said so."""
    made(acme, outbound_agent_name="Sales")
    made(acme, SECOND, is_active=False)
    made(acme, THIRD)
    header = "phone_number,inbound_agent_name,is_active"
    raw = sheet(f"{THIRD},Other,", f"{SECOND},,no", f"{FIRST},,no", header=header)
    preview = checked(acme, raw)
    assert preview.shown["stopped"] == {"inbound": 0, "outbound": 0}
    go_live(acme)
    again = csv_import.apply(acme, preview.id)
    assert again.applied_at is None
    assert again.shown["stopped"] == {"inbound": 1, "outbound": 1}
    first = again.shown["rows"]["changed"][0]
    assert (first["number"], first["stops"]) == (FIRST, ["inbound", "outbound"])
    assert csv_import.apply(acme, preview.id).applied_at


@pytest.mark.both_databases
def test_apply_refuses_a_number_claimed_since_or_concurrently(acme, globex, monkeypatch):
    """Concurrently: between the last look and the insert, as another process can on PostgreSQL."""
    first = checked(acme, sheet(f"{FIRST},twilio,,,,", f"{SECOND},twilio,,,,"))
    other = checked(acme, sheet(f"{FIRST},twilio,,,,", f"{SECOND},twilio,,,,"))
    made(globex, SECOND)
    for preview in (first, other):
        again = csv_import.apply(acme, preview.id)
        assert again.applied_at is None
        assert refused(again) == [(3, messages.IN_USE)]
        assert rows(acme) == []
        monkeypatch.setattr(csv_import, "_is_as_planned", lambda *_: True)


def test_apply_is_refused_twice_stale_too_late_or_elsewhere(acme, globex):
    preview = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    for ask in (csv_import.get, csv_import.apply, csv_import.report):
        with pytest.raises(NotFound):
            ask(globex, preview.id)
    with pytest.raises(Stale):
        csv_import.apply(acme, preview.id, version=preview.version + 1)
    assert rows(acme) == rows(globex) == []
    csv_import.apply(acme, preview.id)
    with pytest.raises(Conflict) as reported:
        csv_import.apply(acme, preview.id)
    assert reported.value.code == "APPLIED_ALREADY"

    old = checked(acme, sheet(f"{SECOND},twilio,,,,"))
    with acme.transaction():
        old.created_at -= timedelta(days=1, seconds=1)
    with pytest.raises(NotFound):
        csv_import.apply(acme, old.id)
    recent_preview = checked(acme, sheet(f"{SECOND},twilio,,,,"))
    assert set(acme.session.scalars(select(EndpointImport.id))) == {preview.id, recent_preview.id}


@pytest.mark.both_databases
def test_apply_concurrently_happens_once(acme, scopes):
    """Of the same file twice, one applies, and the other sees that all is there."""

    def applied(*ids):
        return scopes.in_parallel(
            *[("dana", lambda scope, id=one: csv_import.apply(scope, id)) for one in ids]
        )

    raw = sheet(*(f"+1555123{n},twilio,Reception,,,true" for n in range(4000, 4050)))
    answers = applied(*[checked(acme, raw).id for _ in range(2)])
    assert len(winners(answers)) == 2, answers
    assert len([answer for answer in answers if answer.applied_at]) == 1
    (other,) = [answer for answer in answers if not answer.applied_at]
    assert totals(other) == {"unchanged": 50}
    assert len(rows(acme)) == 50

    preview = checked(acme, sheet("+15550000001,twilio,,,,"))
    answers = applied(preview.id, preview.id)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "EndpointImport"]
    assert len(rows(acme)) == 51


def test_report_has_every_row(acme):
    made(acme, label="=Old")
    preview = checked(acme, sheet(f"{FIRST},,Reception,,New,", f"{SECOND},twilio,,,,", "x,,,,,"))
    table = list(csv.reader(io.StringIO(b"".join(csv_import.report(acme, preview.id)).decode("utf-8-sig"))))
    assert table == [
        ["line", "phone_number", "result", "details"],
        ["2", f"'{FIRST}", "changed", "label: =Old → New"],
        ["3", f"'{SECOND}", "added", ""],
        ["4", "x", "refused", "Enter the number with its country code, such as +15551234567."],
    ]


def test_apply_of_many_rows_takes_few_statements_and_reports_its_progress(acme, engine, monkeypatch):
    raw = sheet(*(f"+1212{n:07d},twilio,Reception,,Line {n},true" for n in range(500)))
    preview = checked(acme, raw)
    assert totals(preview) == {"added": 500}
    assert len(preview.shown["rows"]["added"]) == csv_import.SHOWN
    with statements(engine) as sql_statements:
        csv_import.apply(acme, preview.id)
    assert len(sql_statements) < 60
    (event,) = search.about(acme, "+12120000000")
    assert search.about(acme, "+12120000499") == [event], "one event has them all"
    again = checked(acme, raw.replace(b"Reception", b"Night desk"))
    with statements(engine) as sql_statements:
        csv_import.apply(acme, again.id)
    assert len(sql_statements) < 60
    assert {row.inbound_agent_name for row in rows(acme)} == {"Night desk"}

    monkeypatch.setattr(progress, "BATCH", 2)
    made(acme, label="Old")
    reported: list[tuple[str, int, int]] = []
    table = csv_format.open_table(sheet(*(f"{number},twilio,,,," for number in (FIRST, SECOND, THIRD))))
    preview = csv_import.check(acme, table, on_progress=lambda *step: reported.append(step))
    assert reported == [
        *((messages.READING_FILE, done, 3) for done in (0, 2, 3)),
        *((messages.COMPARING, done, 3) for done in (0, 2, 3)),
        (messages.SAVING_PREVIEW, 0, 0),
    ]
    reported.clear()
    csv_import.apply(acme, preview.id, on_progress=lambda *step: reported.append(step))
    assert reported == [
        *((messages.PREPARING, done, 2) for done in (0, 2)),
        *((messages.CHECKING_FOR_CHANGES, done, 1) for done in (0, 1)),
        (messages.ADDING, 2, 2),
        *((messages.CHANGING, done, 1) for done in (0, 1)),
        (messages.FINISHING, 0, 0),
    ]
