from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import Conflict, NotFound
from app.models import DriftCheck, Endpoint
from app.services.audit import integrity, log, search
from app.services.audit.actions import Action
from app.services.drift import tallies
from app.services.endpoints import bulk, crud, csv_format, csv_import, readiness
from app.services.endpoints import undo as endpoints_undo
from app.services.endpoints.bulk import Selection
from app.services.endpoints.fields import RESTORABLE_FIELDS
from app.services.endpoints.listing import Filter
from tests.support.live_numbers import go_live
from tests.support.scopes import Fault, failing_at, winners

ALL = Selection(filters=Filter())
change: Any = bulk.change
remove: Any = bulk.remove
by_number: Any = readiness.by_number


@pytest.fixture
def rows(acme):
    agents = ("Ann", "Ann", "Bob", None, "Cy")
    for n, agent in enumerate(agents):
        payload = {"phone_number": f"+1555000000{n}", "provider": "twilio", "is_active": n != 4}
        crud.create(acme, payload | {"inbound_agent_name": agent, "label": f"Line {n}"})
    return stored(acme)


def stored(scope):
    scope.session.rollback()
    scope.session.expire_all()
    endpoint_rows = scope.session.scalars(scope.select(Endpoint).order_by(Endpoint.phone_number))
    return {
        row.phone_number: {name: getattr(row, name) for name in RESTORABLE_FIELDS} for row in endpoint_rows
    }


def number(n):
    return f"+1555000000{n}"


def undo(scope, event_id, **more):
    plan = endpoints_undo.plan(scope, event_id)
    return endpoints_undo.undo(scope, event_id, expected_count=plan.count, stopped=plan.stopped, **more)


def edit(scope, n, changes):
    row = by_number(scope, number(n))
    crud.update(scope, row.id, changes)


def due(scope):
    scope.session.expire_all()
    return {row.phone_number for row in scope.session.scalars(scope.select(DriftCheck).where(DriftCheck.due))}


CHANGES: list[dict[str, Any]] = [
    {"inbound_agent_name": "Wrong"},
    {"is_active": False},
    {"outbound_agent_name": "Wrong"},
]


def test_undo_restores_each_number_and_can_be_undone(acme, rows, subtests):
    for changes in CHANGES:
        with subtests.test(sent=changes):
            requested: list[str] = []
            queueing = replace(acme, queue_drift_check=requested.append)
            versions = {row.phone_number: row.version for row in acme.session.scalars(acme.select(Endpoint))}
            done = change(queueing, ALL, changes, expected_count=5, reason="hurry")
            after = stored(acme)
            again = undo(queueing, done.event_id, reason="not that one")
            assert again.count == done.count > 0
            assert stored(acme) == rows
            assert bool(requested) == ("outbound_agent_name" not in changes)  # no provider is concerned
            event = endpoints_undo.get(acme, again.event_id)
            assert (event.action, event.subject) == ("endpoints.restored", f"{done.count} endpoints")
            assert event.changes["reason"] == [None, "not that one"]
            assert event.changes["undone"] == [None, f"Endpoints changed, event {done.event_id}"]
            assert all(
                row.version > versions[row.phone_number] or rows[row.phone_number] == after[row.phone_number]
                for row in acme.session.scalars(acme.select(Endpoint))
            )
            undone = undo(acme, again.event_id)
            assert stored(acme) == after
            undo(acme, undone.event_id)
    assert integrity.verify(acme.session, acme.keys.sealer, acme.organization.id).fault is None


def test_undo_queues_checks_and_skips_numbers_changed_since(acme, rows, globex):
    done = change(acme, ALL, {"inbound_agent_name": None}, expected_count=5)
    other = change(acme, ALL, {"outbound_agent_name": "Zoe"}, expected_count=5)
    assert tallies.of_numbers(acme, [number(0)]) == {}
    undo(acme, other.event_id)
    assert due(acme) == set()
    undo(acme, done.event_id)
    assert due(acme) == {number(0), number(1), number(2)}

    done = change(acme, ALL, {"inbound_agent_name": "Wrong"}, expected_count=5)
    edit(acme, 0, {"inbound_agent_name": "Zoe"})
    edit(acme, 1, {"label": "New"})
    crud.delete(acme, by_number(acme, number(2)).id)
    crud.delete(acme, by_number(acme, number(3)).id)
    crud.create(globex, {"phone_number": number(3), "provider": "twilio", "inbound_agent_name": "Wrong"})
    plan = endpoints_undo.plan(acme, done.event_id)
    assert (plan.numbers, plan.skipped) == ([number(1), number(4)], [number(0), number(2), number(3)])
    undo(acme, done.event_id)
    now = stored(acme)
    assert now[number(0)]["inbound_agent_name"] == "Zoe"
    assert (now[number(1)]["inbound_agent_name"], now[number(1)]["label"]) == ("Ann", "New")
    assert now[number(4)] == rows[number(4)]
    assert stored(globex)[number(3)]["inbound_agent_name"] == "Wrong"


def test_undo_counts_the_live_numbers_that_it_takes_down(acme, rows):
    """An import, an activation, and an agent are undone only if the confirmation said what that stops."""
    sheet = b"phone_number,provider,inbound_agent_name,outbound_agent_name\n+15550000009,twilio,Ann,Bob\n"
    added = csv_import.check(acme, csv_format.open_table(sheet))
    imported = csv_import.event(acme, csv_import.apply(acme, added.id))
    assert imported
    activated = change(acme, ALL, {"is_active": True}, expected_count=6)
    dialling = change(
        acme, Selection(ids=[by_number(acme, number(3)).id]), {"outbound_agent_name": "Cy"}, expected_count=1
    )
    events = (imported.id, activated.event_id, dialling.event_id)
    assert [endpoints_undo.plan(acme, event).stopped for event in events] == [
        {"inbound": 0, "outbound": 0}
    ] * 3
    go_live(acme)
    expected = [{"inbound": 1, "outbound": 1}, {"inbound": 1, "outbound": 0}, {"inbound": 0, "outbound": 1}]
    assert [endpoints_undo.plan(acme, event).stopped for event in events] == expected
    before = stored(acme)
    for event, stops in zip(events, expected, strict=True):
        for stopped in (None, {"inbound": 1, "outbound": 1} if not all(stops.values()) else {"inbound": 1}):
            is_enough = stopped and all(count <= stopped.get(name, 0) for name, count in stops.items())
            if not is_enough:
                with pytest.raises(Conflict) as refused:
                    endpoints_undo.undo(acme, event, expected_count=1, stopped=stopped)
                assert refused.value.code == "STOPS_LIVE_NUMBERS"
    assert stored(acme) == before
    undo(acme, imported.id)
    assert "+15550000009" not in stored(acme)


@pytest.mark.both_databases
def test_undo_restores_deleted_numbers_not_claimed_since(acme, globex, rows):
    done = remove(acme, ALL, expected_count=5)
    assert stored(acme) == {}
    crud.create(globex, {"phone_number": number(1), "provider": "twilio"})
    plan = endpoints_undo.plan(acme, done.event_id)
    assert (plan.count, plan.skipped) == (4, [number(1)])
    undo(acme, done.event_id)
    assert stored(acme) == {name: row for name, row in rows.items() if name != number(1)}
    assert due(acme) == {number(0), number(2)}


def test_undo_of_an_import_deletes_what_it_added_and_of_one_restores_it(acme, rows):
    raw = f"phone_number,provider,inbound_agent_name\n{number(0)},twilio,Eve\n+15550000077,twilio,Eve\n"
    raw += "+15550000078,twilio,Eve\n"
    sheet = csv_import.check(acme, csv_format.open_table(raw.encode()))
    csv_import.apply(acme, sheet.id, reason="from the old system")
    event = search.recent(acme)[0]
    assert event.changes["reason"] == [None, "from the old system"]
    row = by_number(acme, "+15550000078")
    crud.update(acme, row.id, {"label": "Kept"})
    plan = endpoints_undo.plan(acme, event.id)
    assert ([step.number for step in plan.deleted], plan.skipped) == (["+15550000077"], ["+15550000078"])
    undo(acme, event.id)
    assert stored(acme).keys() == rows.keys() | {"+15550000078"}
    assert stored(acme)[number(0)] == rows[number(0)]

    rows = stored(acme)
    event = crud.delete(acme, by_number(acme, number(4)).id)
    back = undo(acme, event.id)
    assert stored(acme) == rows
    event = endpoints_undo.get(acme, back.event_id)
    assert (event.action, event.subject) == ("endpoint.restored", number(4))
    assert search.about(acme, number(4))[0] == event
    edit(acme, 0, {"label": None, "inbound_agent_name": "Zoe"})
    undo(acme, search.recent(acme)[0].id)
    assert stored(acme) == rows
    undo(acme, back.event_id)
    assert number(4) not in stored(acme)


def test_undo_of_no_numbers_or_with_another_count_is_refused(acme, globex, rows):
    with acme.transaction():
        log.record(acme, Action.ENDPOINTS_SAVED, "5 endpoints", {"is_active": ["yes (5)", False]})
    events = search.recent(acme)
    assert {event.action for event in events} == {"endpoints.saved", "endpoint.created"}
    for event in events:
        assert not endpoints_undo.can(event)
        with pytest.raises(Conflict):
            endpoints_undo.plan(acme, event.id)
    with pytest.raises(NotFound):
        endpoints_undo.plan(globex, events[0].id)

    done = change(acme, ALL, {"inbound_agent_name": "Wrong"}, expected_count=5)
    before = stored(acme)
    for expected_count in (4, 6, None):
        with pytest.raises(Conflict) as refused:
            endpoints_undo.undo(acme, done.event_id, expected_count=expected_count)
        assert refused.value.code == "SELECTION_CHANGED"
    undo(acme, done.event_id)
    with pytest.raises(Conflict) as refused:
        endpoints_undo.undo(acme, done.event_id, expected_count=0)
    assert refused.value.code == "CHANGED_SINCE"
    assert stored(acme) != before


@pytest.mark.both_databases
def test_undo_that_fails_changes_nothing_and_concurrently_happens_once(acme, engine, rows, report, scopes):
    done = remove(acme, Selection(ids=[_id(acme, 0), _id(acme, 1)]), expected_count=2)
    before, failed = stored(acme), 0
    while stored(acme) == before:
        failed += 1
        with suppress(Fault), failing_at(engine, failed):
            endpoints_undo.undo(acme, done.event_id, expected_count=2)
    report("SQL statement fails", tried=failed - 1, survived=failed - 1)
    assert failed > 5
    assert stored(acme) == rows

    done = remove(acme, ALL, expected_count=5)
    answers = scopes.in_parallel(
        *[("dana", lambda scope: endpoints_undo.undo(scope, done.event_id, expected_count=5))] * 2
    )
    assert len(winners(answers)) == 1, answers
    assert stored(acme) == rows


def _id(scope, n):
    return by_number(scope, number(n)).id
