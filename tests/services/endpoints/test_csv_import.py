"""A file of endpoints: what it would do, and then all of it or nothing."""

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
from app.services.endpoints import crud, csv_format, csv_import
from app.services.endpoints.fields import COLUMNS
from app.services.endpoints.listing import Filter
from app.services.organizations import directory
from tests.support.scopes import NOBODY, Fault, failing_at, statements, winners

FIRST, SECOND, THIRD = "+15551234567", "+15551234568", "+15551234569"
HEADER = "phone_number,provider,inbound_agent_name,outbound_agent_name,label,is_active"


def sheet(*rows, header=HEADER):
    return "\r\n".join([header, *rows]).encode()


def checked(scope, raw, file_name=""):
    return csv_import.check(scope, csv_format.opened(raw), file_name)


def made(scope, number=FIRST, **values):
    sent = {"phone_number": number, "provider": "twilio", "inbound_agent_name": "Reception", **values}
    return crud.create(scope, sent)


def settle(scope, values):
    directory.update(scope, NOBODY, values)


def rows(scope, model=Endpoint):
    scope.session.expire_all()
    return sorted(scope.session.scalars(scope.select(model)), key=lambda row: row.phone_number)


def stored(scope):
    names = COLUMNS
    return [tuple(getattr(row, name) for name in names) for row in rows(scope)]


def totals(found):
    return {name: count for name, count in found.shown["totals"].items() if count}


def refused(found):
    return [(row["line"], row["said"]) for row in found.shown["rows"]["refused"]]


def test_new_endpoints_are_added(acme):
    found = checked(acme, sheet(f"{FIRST},twilio,Reception,Sales,Front desk,true", f"{SECOND},exotel,,,,no"))
    assert totals(found) == {"added": 2}
    assert rows(acme) == []
    assert csv_import.apply(acme, found.id, version=found.version).applied_at
    assert stored(acme) == [
        (FIRST, "twilio", "Reception", "Sales", "Front desk", True),
        (SECOND, "exotel", None, None, None, False),
    ]
    assert {row.version for row in rows(acme)} == {1}


def test_what_is_there_is_changed_where_the_file_differs(acme):
    made(acme, label="Old")
    made(acme, SECOND)
    made(acme, THIRD)
    found = checked(acme, sheet(f"{FIRST},TWILIO,,Sales,New,no", f"{SECOND},,Reception,,,"))
    assert totals(found) == {"changed": 1, "unchanged": 1}
    (row,) = found.shown["rows"]["changed"]
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
    csv_import.apply(acme, found.id)
    assert stored(acme)[0] == (FIRST, "twilio", None, "Sales", "New", False)
    assert [row.version for row in rows(acme)] == [2, 1, 1], "nothing is deleted, or written for nothing"


def test_a_column_that_is_missing_keeps_what_is_stored(acme):
    made(acme, label="Front desk", outbound_agent_name="Sales")
    found = checked(acme, sheet(f"Night desk;{FIRST}", header=" Inbound Agent Name;PHONE-number"))
    assert "provider, outbound_agent_name, label, is_active" in found.shown["notes"][0]
    csv_import.apply(acme, found.id)
    assert stored(acme) == [(FIRST, "twilio", "Night desk", "Sales", "Front desk", True)]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (",twilio,,,,", "The phone number is missing."),
        (
            "1.55512E+10,twilio,,,,",
            "The spreadsheet shortened this number to 1.55512E+10, and digits are lost.",
        ),
        ("call Mo,twilio,,,,", "Write the number with its country code"),
        (f"{SECOND},,,,,", "provider: This is required."),
        (f"{SECOND},acme,,,,", "provider: Use twilio or "),
        (f"{SECOND},twilio,a/b,,,", "inbound_agent_name: An agent name has no slash"),
        (f"{SECOND},twilio,,,{'x' * 201},", "label: A label has at most 200 characters."),
        (f'{SECOND},twilio,,,"two\nlines",', "label: A label is one line"),
        (f"{SECOND},twilio,,,,maybe", "is_active: This must be true or false."),
        (f"{SECOND},twilio,,,,yes,more", "a cell that no column of the header is for"),
        (
            f"{FIRST},exotel,,,,",
            "provider: This cannot be changed. Delete the endpoint and create another one.",
        ),
        ("+15550009999,twilio,,,,", "This number is in use already."),
    ],
)
def test_a_row_that_cannot_be_is_refused_with_its_line(acme, globex, row, sentence):
    made(acme)
    made(globex, "+15550009999", label="Theirs")
    found = checked(acme, sheet(f"{THIRD},twilio,,,,", row))
    ((line, said),) = refused(found)
    assert line == 3
    assert said.startswith(sentence) or sentence in said
    assert "Globex" not in said
    assert "Theirs" not in repr(found.shown)
    before = stored(acme)
    with pytest.raises(Conflict) as told:
        csv_import.apply(acme, found.id)
    assert told.value.code == "ROWS_REFUSED"
    assert stored(acme) == before


def test_a_number_that_is_twice_in_the_file_is_refused_with_both_lines(acme):
    found = checked(acme, sheet(f"{FIRST},twilio,,,,", f"{SECOND},twilio,,,,", "15551234567,twilio,,,,"))
    assert refused(found) == [
        (2, "The number is in line 4 too. Keep one of them."),
        (4, "The number is in line 2 too. Keep one of them."),
    ]


def test_what_spreadsheets_leave_in_a_cell_is_read(acme):
    """Marks of direction, spaces that do not break, digits of other scripts, words for yes and no."""
    header = HEADER.replace(",", "|").replace("phone_number", "\ufeffPhone\u00a0number")
    found = checked(
        acme,
        sheet(
            "\u202a+1\u00a0(555)\u00a0123-4567\u202c|\u200etwilio|Reception|||\u200fja",
            "١٥٥٥١٢٣٤٥٦٨|Twilio||||NEIN",
            '="+15551234569"|twilio|||"=HYPERLINK(""x"")"|oui',
            header=header,
        ),
    )
    assert refused(found) == []
    csv_import.apply(acme, found.id)
    assert stored(acme) == [
        (FIRST, "twilio", "Reception", None, None, True),
        (SECOND, "twilio", None, None, None, False),
        (THIRD, "twilio", None, None, '=HYPERLINK("x")', True),
    ]


def test_it_says_how_it_read_numbers(acme):
    settle(acme, {"country": "US"})
    found = checked(
        acme, sheet("442079460958,twilio,,,,", "(212) 555-1234,twilio,,,,", "'+15551234567,twilio,,,,")
    )
    assert found.shown["notes"] == [
        "1 number had no plus, and was read with the country code that begins it.",
        "1 number has no country code: United States is assumed, the country of the organization.",
    ]
    csv_import.apply(acme, found.id)
    assert [row.phone_number for row in rows(acme)] == ["+12125551234", FIRST, "+442079460958"]


def test_what_is_exported_comes_back_as_it_was(acme):
    settle(acme, {"public_base_url": "https://voice.acme.example"})
    labels = ["=HYPERLINK(1)", "'+1", '="x"', 'a "b"; c, d', "@home", "-", "Café 🔔", None]
    for n, label in enumerate(labels):
        made(acme, f"+1555123{4000 + n}", label=label, inbound_agent_name="+agent" if n else None)
    written = b"".join(csv_format.written(acme, Filter()))
    table = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert table[0] == [*COLUMNS, "created_at", "inbound_webhook_url"]
    assert not [cell for row in table for cell in row if cell[:1] in ("=", "+", "-", "@")]
    found = checked(acme, written)
    assert totals(found) == {"unchanged": len(labels)}
    assert found.shown["notes"] == ["Ignored, since it is computed: created_at, inbound_webhook_url."]
    shorter = checked(acme, b"".join(csv_format.written(acme, Filter(text="Café"))))
    assert totals(shorter) == {"unchanged": 1}


def test_the_template_can_be_imported(acme):
    assert totals(checked(acme, b"".join(csv_format.template()))) == {"added": 2}


def test_it_is_audited_as_a_whole_and_for_each_endpoint(acme):
    made(acme, label="Old")
    found = checked(acme, sheet(f"{FIRST},,Reception,,New,", f"{SECOND},twilio,,,,"), "lines.csv")
    revision = acme.organization.revision
    csv_import.apply(acme, found.id)
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


def test_what_providers_should_call_now_is_checked_soon(acme):
    made(acme)
    made(acme, SECOND)
    with acme.transaction():
        for row in rows(acme, DriftCheck):
            row.due = False
    asked: list[str] = []
    scope = replace(acme, queue_drift_check=asked.append)
    found = checked(
        scope,
        sheet(
            f"{FIRST},,Reception,,Label alone,", f"{SECOND},,Night desk,,,", f"{THIRD},twilio,Reception,,,"
        ),
    )
    assert asked == []
    csv_import.apply(scope, found.id)
    assert asked == [acme.organization.id]
    assert {row.phone_number: row.due for row in rows(acme, DriftCheck)} == {
        FIRST: False,
        SECOND: True,
        THIRD: True,
    }


def test_all_or_nothing(acme, engine, report):
    """Whichever statement fails, nothing of it stays; afterwards it can be applied."""
    made(acme, label="Old")
    found = checked(acme, sheet(f"{FIRST},,Night desk,,New,", f"{SECOND},twilio,Reception,,,"))
    before = dumped(acme)
    failed = 0
    while dumped(acme) == before:
        failed += 1
        with suppress(Fault), failing_at(engine, failed):
            csv_import.apply(acme, found.id)
    report("SQL statement fails", tried=failed - 1, survived=failed - 1)
    assert failed > 10
    assert [row.label for row in rows(acme)] == ["New", None]


def dumped(scope):
    """What an import writes."""
    scope.session.rollback()
    events = scope.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id))
    due = [(row.phone_number, row.due) for row in rows(scope, DriftCheck)]
    return stored(scope), list(events), due, list(scope.session.scalars(select(EndpointImport.applied_at)))


def test_a_change_in_between_is_shown_before_anything_is_done(acme):
    first = made(acme, label="Old")
    found = checked(acme, sheet(f"{FIRST},,Reception,,New,", f"{SECOND},twilio,,,,"))
    crud.update(acme, first.id, {"label": "New"})
    again = csv_import.apply(acme, found.id)
    assert again.applied_at is None
    assert totals(again) == {"unchanged": 1, "added": 1}
    assert again.shown["moved"] == [
        {"line": 2, "number": FIRST, "was": "changed", "is": "unchanged", "said": ""}
    ]
    assert [row.phone_number for row in rows(acme)] == [FIRST]
    assert csv_import.apply(acme, found.id).applied_at
    assert [row.phone_number for row in rows(acme)] == [FIRST, SECOND]


def test_a_number_that_was_claimed_in_between_is_refused(acme, globex):
    found = checked(acme, sheet(f"{FIRST},twilio,,,,", f"{SECOND},twilio,,,,"))
    made(globex, SECOND)
    again = csv_import.apply(acme, found.id)
    assert again.applied_at is None
    assert refused(again) == [(3, csv_import.IN_USE)]
    assert rows(acme) == []


def test_a_number_that_is_claimed_in_the_same_moment_is_refused_too(acme, globex, monkeypatch):
    """Between the last look and the insert, as another process can on PostgreSQL."""
    found = checked(acme, sheet(f"{FIRST},twilio,,,,", f"{SECOND},twilio,,,,"))
    made(globex, SECOND)
    monkeypatch.setattr(csv_import, "_is_as_planned", lambda *_: True)
    again = csv_import.apply(acme, found.id)
    assert again.applied_at is None
    assert refused(again) == [(3, csv_import.IN_USE)]
    assert rows(acme) == []


def test_another_country_is_another_dry_run(acme):
    settle(acme, {"country": "US"})
    found = checked(acme, sheet("(212) 555-1234,twilio,,,,"))
    settle(acme, {"country": "GB"})
    again = csv_import.apply(acme, found.id)
    assert again.applied_at is None
    assert [row["number"] for row in again.shown["rows"]["added"]] == ["+442125551234"]
    assert rows(acme) == []


def test_what_was_applied_is_not_applied_again(acme):
    found = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    csv_import.apply(acme, found.id)
    with pytest.raises(Conflict) as told:
        csv_import.apply(acme, found.id)
    assert told.value.code == "APPLIED_ALREADY"


def test_only_what_was_seen_is_applied(acme):
    found = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    with pytest.raises(Stale):
        csv_import.apply(acme, found.id, version=found.version + 1)
    assert rows(acme) == []


def test_two_people_who_import_at_once_take_turns(acme, scopes):
    """The same file twice: one applies, the other sees that all is there."""
    raw = sheet(*(f"+1555123{n},twilio,Reception,,,true" for n in range(4000, 4050)))
    ids = [checked(acme, raw).id for _ in range(2)]
    answers = scopes.at_once(
        *(
            ("dana", lambda scope, import_id=import_id: csv_import.apply(scope, import_id))
            for import_id in ids
        )
    )
    assert len(winners(answers)) == 2, answers
    applied = [answer for answer in answers if answer.applied_at]
    assert len(applied) == 1
    (other,) = [answer for answer in answers if not answer.applied_at]
    assert totals(other) == {"unchanged": 50}
    assert len(rows(acme)) == 50


def test_one_import_pressed_twice_at_once_is_applied_once(acme, scopes):
    found = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    answers = scopes.at_once(*[("dana", lambda scope: csv_import.apply(scope, found.id))] * 2)
    assert sorted(type(answer).__name__ for answer in answers) == ["Conflict", "EndpointImport"]
    assert len(rows(acme)) == 1


def test_another_organization_s_import_is_not_found(acme, globex):
    found = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    for ask in (csv_import.get, csv_import.apply, csv_import.report):
        with pytest.raises(NotFound):
            ask(globex, found.id)
    assert rows(globex) == []


def test_it_is_kept_for_a_day(acme):
    old = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    with acme.transaction():
        old.created_at -= timedelta(days=1, seconds=1)
    with pytest.raises(NotFound, match="more than a day old"):
        csv_import.apply(acme, old.id)
    kept = checked(acme, sheet(f"{FIRST},twilio,,,,"))
    assert list(acme.session.scalars(select(EndpointImport.id))) == [kept.id]


def test_the_report_has_every_row(acme):
    made(acme, label="=Old")
    found = checked(acme, sheet(f"{FIRST},,Reception,,New,", f"{SECOND},twilio,,,,", "x,,,,,"))
    table = list(csv.reader(io.StringIO(b"".join(csv_import.report(acme, found.id)).decode("utf-8-sig"))))
    assert table == [
        ["line", "phone_number", "result", "details"],
        ["2", f"'{FIRST}", "changed", "label: =Old → New"],
        ["3", f"'{SECOND}", "added", ""],
        ["4", "x", "refused", "Write the number with its country code, such as +15551234567."],
    ]


def test_thousands_of_rows_take_few_statements(acme, engine):
    raw = sheet(*(f"+1212{n:07d},twilio,Reception,,Line {n},true" for n in range(5000)))
    found = checked(acme, raw)
    assert totals(found) == {"added": 5000}
    assert len(found.shown["rows"]["added"]) == csv_import.SHOWN
    with statements(engine) as seen:
        csv_import.apply(acme, found.id)
    assert len(seen) < 60
    (event,) = search.about(acme, "+12120000000")
    assert search.about(acme, "+12120004999") == [event], "one event tells of them all"
    again = checked(acme, raw.replace(b"Reception", b"Night desk"))
    with statements(engine) as seen:
        csv_import.apply(acme, again.id)
    assert len(seen) < 60
    assert {row.inbound_agent_name for row in rows(acme)} == {"Night desk"}


def test_it_tells_how_far_it_is(acme, monkeypatch):
    monkeypatch.setattr(progress, "BATCH", 2)
    made(acme, label="Old")
    told = []

    def tell(what, done, total):
        told.append(f"{what} {done}/{total}")

    table = csv_format.opened(sheet(*(f"{number},twilio,,,," for number in (FIRST, SECOND, THIRD))))
    found = csv_import.check(acme, table, on_progress=tell)
    assert told == [
        *(f"Reading the file {done}/3" for done in (0, 2, 3)),
        *(f"Comparing with what is stored {done}/3" for done in (0, 2, 3)),
        "Storing what was found 0/0",
    ]
    told.clear()
    csv_import.apply(acme, found.id, on_progress=tell)
    assert told == [
        *(f"Preparing {done}/2" for done in (0, 2)),
        *(f"Looking whether anything changed meanwhile {done}/1" for done in (0, 1)),
        "Adding endpoints 2/2",
        *(f"Changing endpoints {done}/1" for done in (0, 1)),
        "Finishing 0/0",
    ]
