"""Many endpoints in one request: created and changed together, or not at all."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.errors import Conflict, Invalid, NotFound, Stale
from app.models import DriftCheck, Endpoint
from app.services.audit import search
from app.services.endpoints import batch, crud, undo
from tests.support.scopes import Fault, failing_at, statements, winners

FIRST, SECOND, THIRD = "+15551234567", "+15551234568", "+15551234569"


def new(number=FIRST, **values):
    return {"phone_number": number, "provider": "twilio", **values}


def save(scope, *rows):
    return batch.save(scope, {"endpoints": list(rows)})


def stored(scope):
    scope.session.expire_all()
    rows = scope.session.scalars(select(Endpoint).order_by(Endpoint.phone_number))
    return [(row.phone_number, row.label, row.inbound_agent_name, row.version) for row in rows]


@pytest.mark.both_databases
def test_save_creates_and_changes_in_the_order_of_the_request(acme):
    row = crud.create(acme, new(SECOND, label="Desk"))
    same = crud.create(acme, new(THIRD))
    saved = save(
        acme,
        {"id": row.id, "version": row.version, "label": None, "inbound_agent_name": "Reception"},
        new(FIRST, label="New"),
        {"id": same.id, "is_active": True},
    )
    assert saved.counts == {"changed": 1, "added": 1, "unchanged": 1}
    assert [endpoint.phone_number for endpoint in saved.rows] == [SECOND, FIRST, THIRD]
    assert [endpoint.version for endpoint in saved.rows] == [2, 1, 1]
    assert stored(acme) == [(FIRST, "New", None, 1), (SECOND, None, "Reception", 2), (THIRD, None, None, 1)]


def test_save_is_one_event_undone_by_it_and_queues_checks_of_webhooks(acme):
    row = crud.create(acme, new(SECOND, label="Desk"))
    save(acme, new(FIRST), {"id": row.id, "label": "Front"})
    event = search.recent(acme)[0]
    assert (event.action, event.subject) == ("endpoints.imported", "API")
    assert event.changes == {"added": [None, 1], "changed": [None, 1]}
    assert search.history(acme, SECOND).rows[0].id == event.id
    undo.undo(acme, event.id, expected_count=2)
    assert stored(acme) == [(SECOND, "Desk", None, 3)]

    before = search.recent(acme)[0].id
    assert save(acme, {"id": row.id, "label": "Desk"}).counts == {"unchanged": 1}
    assert (search.recent(acme)[0].id, stored(acme)[0][-1]) == (before, 3), "nothing is recorded"

    other = crud.create(acme, new(THIRD))
    acme.session.query(DriftCheck).delete()
    acme.session.commit()
    save(
        acme,
        new(FIRST, inbound_agent_name="Bo"),
        {"id": row.id, "label": "x"},
        {"id": other.id, "inbound_agent_name": "Ann"},
    )
    assert set(acme.session.scalars(select(DriftCheck.phone_number))) == {FIRST, THIRD}


def test_save_of_a_bad_foreign_stale_or_taken_row_changes_nothing(acme, globex):
    own = crud.create(acme, new(SECOND))
    rows = [
        (["endpoints"], None),
        (["endpoints"], []),
        (["endpoints"], {"0": new()}),
        (["endpoints"], [new(f"+1555{number:07}") for number in range(1001)]),
        (["endpoints.1"], [new(), "x"]),
        (["endpoints.1.phone_number"], [new(), {"provider": "twilio"}]),
        (["endpoints.0.phone_number", "endpoints.1.provider"], [new("555"), new(provider="sinch")]),
        (["endpoints.0.agent"], [new(agent="x")]),
        (["endpoints.1.phone_number"], [new(), new("+1 555 123-4567", label="again")]),
        (["endpoints.1.id"], [{"id": own.id}, {"id": own.id, "label": "x"}]),
        (["endpoints.0.id"], [{"id": None, "label": "x"}]),
        (["endpoints.0.version"], [{"id": own.id, "version": "1"}]),
        (["endpoints.0.is_active"], [{"id": own.id, "is_active": None}]),
    ]
    before, wrong = stored(acme), []
    for expected, endpoints in rows:
        try:
            batch.save(acme, {"endpoints": endpoints})
            wrong.append((expected, "saved"))
        except Invalid as error:
            if [problem.field for problem in error.problems] != expected:
                wrong.append((expected, str(error.problems)))
    assert wrong == []
    assert stored(acme) == before

    foreign = crud.create(globex, new(THIRD))
    version = own.version
    crud.update(acme, own.id, {"label": "theirs"})
    before = stored(acme)
    for unknown in (foreign.id, "none"):
        with pytest.raises(NotFound) as missing:
            save(acme, new(), {"id": own.id, "label": "x"}, {"id": unknown})
        assert "endpoints.2" in missing.value.message
        assert stored(acme) == before
    with pytest.raises(Stale) as stale:
        save(acme, new(), {"id": own.id, "version": version, "label": "mine"})
    assert "endpoints.1" in stale.value.message
    assert stored(acme) == before
    for number, existing in ((SECOND, own.id), (THIRD, None)):
        with pytest.raises(Conflict) as conflict:
            save(acme, new(), new(number))
        assert (conflict.value.code, conflict.value.existing_id) == ("NUMBER_IN_USE", existing)
        assert stored(acme) == before


@pytest.mark.both_databases
def test_concurrent_batches_claim_a_number_once(scopes, cast):
    def claim(first):
        return lambda scope: save(scope, new(first), new(FIRST)).counts["added"]

    answers = scopes.in_parallel(("dana", claim(SECOND)), ("gus", claim(THIRD)))
    assert winners(answers) == [2]
    lost = [error.code for error in answers if isinstance(error, Conflict)]
    assert lost == ["NUMBER_IN_USE"]


def test_save_takes_few_statements_and_a_failing_one_changes_nothing(acme, engine):
    row = crud.create(acme, new(SECOND))
    counts = []
    for count in (1, 5, 60):
        rows = [new(f"+1555{count:03}{number:04}") for number in range(count)]
        with statements(engine) as sql_statements:
            save(acme, *rows, {"id": row.id, "label": str(count)})
        counts.append(len(sql_statements))
    assert counts[1] == counts[2]

    before, number = stored(acme), 0
    while True:
        number += 1
        with failing_at(engine, number):
            try:
                save(acme, new(FIRST), {"id": row.id, "label": "x"})
                break
            except Fault:
                acme.session.rollback()
        assert stored(acme) == before, number
    assert number > 5
