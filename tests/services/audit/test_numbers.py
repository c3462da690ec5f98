"""Events about many numbers are in the history of each, whatever they changed of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from app.models import AuditEvent, AuditNumbers
from app.services.audit import integrity, log, search
from app.services.audit import numbers as audit_numbers
from app.services.audit.actions import Action
from app.services.audit.integrity import Fault, FaultKind
from app.services.audit.search import Filter

FIRST, LAST = "+15550000000", "+15550002499"
TABLE: Any = AuditNumbers.__table__


def _record(scope, touched, **changes):
    with scope.transaction():
        reported = ((number, {"label": [number[-4:], "x"]}) for number in touched)
        return log.record(scope, Action.ENDPOINTS_SAVED, f"{len(touched)} endpoints", changes, reported)


@pytest.fixture
def many(acme):
    return _record(acme, [f"+1555{n:07}" for n in range(2500)], reason=[None, "moved"], numbers=[None, "all"])


def test_history_of_each_number_has_the_event_and_its_changes(acme, many, globex):
    assert len(acme.session.scalars(select(AuditNumbers.first)).all()) == 3

    _record(globex, [FIRST])
    _record(acme, ["+15559999999"])
    for number in (FIRST, "+15550001234", LAST):
        history = search.history(acme, number)
        assert history.rows == [many]
        assert history.changes(many) == {
            "label": [number[-4:], "x"],
            "reason": [None, "moved"],
            "together_with": [None, "2500 endpoints"],
        }
    for unknown in ("+15550002500", "+1555000012", "Twilio", "", "+x"):
        assert search.about(acme, unknown) == []


def test_page_finds_a_number_by_every_filter(acme, many):
    with acme.transaction():
        acme.organization.country = "US"
        log.record(acme, Action.ENDPOINT_SAVED, FIRST, {"label": ["x", "y"]})
    one = search.recent(acme)[0]
    for filters in (Filter(about=(FIRST,)), Filter(text=FIRST), Filter(text="(555) 000-0000")):
        page = search.page(acme, filters)
        assert page.rows[-1].id == many.id
        assert page.changes(many)["label"] == ["0000", "x"]
        assert [pair[1] for pair in search.walk(acme, filters)][-1]["label"] == ["0000", "x"]
    for scope, filters, expected in (
        (acme, Filter(about=(FIRST,)), [one, many]),
        (acme, Filter(about=(FIRST,), actions=(Action.ENDPOINT_SAVED,)), [one]),
        (acme.for_organization(None), Filter(about=(FIRST,)), [one, many]),
        (acme, Filter(about=(FIRST,), text=LAST), [many]),
    ):
        events = search.page(scope, filters).rows
        assert [event.id for event in events] == [event.id for event in expected], filters


def test_verify_finds_changed_numbers_and_about_ignores_unlinked_ones(acme, many):
    other = _record(acme, [FIRST])
    key = (acme.session, acme.keys.sealer, acme.organization.id)
    assert integrity.verify(*key).fault is None
    rows = [dict(row._mapping) for row in acme.session.execute(select(TABLE).order_by(TABLE.c.first))]
    tampered = {
        "removed": delete(TABLE).where(TABLE.c.first == 15550001000),
        "moved": update(TABLE).where(TABLE.c.first == 15550001000).values(last=15550001001),
        "changed": update(TABLE).where(TABLE.c.first == 15550001000).values(packed=rows[0]["packed"]),
        "given to another": update(TABLE).where(TABLE.c.first == 15550001000).values(event_id=other.id),
        "put in": insert(TABLE).values(rows[0] | {"first": 1}),
    }
    for name, statement in tampered.items():
        acme.session.execute(statement)
        acme.session.commit()
        assert integrity.verify(*key).fault == Fault(FaultKind.NUMBERS_CHANGED, many.id), name
        acme.session.execute(delete(TABLE))
        acme.session.execute(insert(TABLE), rows)
        acme.session.commit()
    assert integrity.verify(*key).fault is None

    with acme.transaction():
        log.note(acme, Action.SIGNED_IN, "dana@acme.example")
    event = search.recent(acme)[0]
    row = acme.session.execute(select(TABLE).order_by(TABLE.c.first).limit(1)).one()
    acme.session.execute(insert(TABLE).values(dict(row._mapping) | {"event_id": event.id}))
    acme.session.commit()
    assert search.about(acme, FIRST) == [other, many]


def test_numbers_of_any_length_are_found_unless_rolled_back(acme):
    with suppress(ZeroDivisionError), acme.transaction():
        log.record(acme, Action.ENDPOINTS_SAVED, "1 endpoint", {}, [(FIRST, {"label": ["a", "b"]})])
        raise ZeroDivisionError
    assert acme.session.scalars(select(AuditEvent)).all() == []
    assert acme.session.scalars(select(AuditNumbers)).all() == []

    numbers = ["+15550000001", "+4930123456", "+918047112345", "+6591234567"]
    event = _record(acme, numbers)
    assert dict(audit_numbers.of_event(acme.session, event.id)).keys() == set(numbers)
    for number in numbers:
        assert search.about(acme, number) == [event]
