from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from app.core.errors import Conflict, Invalid, Stale
from app.models import AuditEvent, DriftCheck, Endpoint
from app.models.base import new_id
from app.services.audit import search
from app.services.drift import queue, tallies
from app.services.endpoints import bulk, crud
from app.services.endpoints.bulk import Selection
from app.services.endpoints.fields import SEARCHED_WORDS
from app.services.endpoints.listing import Filter
from app.services.numbers import assignments
from app.services.providers import telephony
from tests.support.scopes import OFFLINE, Fault, failing_at, statements

ALL = Selection(filters=Filter())


def _fill(scope, total, start=0, **more):
    rows = [
        {
            "id": new_id(),
            "organization_id": scope.organization.id,
            "phone_number": f"+1555{n:07}",
            "provider": "twilio",
            "inbound_agent_name": None if n % 5 == 0 else f"Agent {n % 2}",
            "label": f"No. {n}",
            "is_active": bool(n % 4),
        }
        | more
        for n in range(start, start + total)
    ]
    with scope.transaction():
        scope.session.execute(insert(Endpoint), rows)
        queue.mark_due(scope)
        scope.session.execute(update(DriftCheck).values(due=False, in_sync=False))
    return [row["id"] for row in rows]


@pytest.fixture
def ids(acme, globex):
    """Of twelve of Acme's. Globex has three that look the same."""
    _fill(globex, 3, start=50)
    return _fill(acme, 12)


@pytest.fixture
def reported(acme):
    """Acme, and the organizations whose checks it queued."""
    requested: list[str] = []
    return replace(acme, queue_drift_check=requested.append), requested


def _rows(scope):
    scope.session.expire_all()
    return list(scope.session.scalars(scope.select(Endpoint).order_by(Endpoint.phone_number)))


def _due(scope):
    query = scope.select(DriftCheck).where(DriftCheck.due).order_by(DriftCheck.phone_number)
    assert all(row.in_sync is None for row in scope.session.scalars(query))
    return [row.phone_number for row in scope.session.scalars(query)]


def test_change_by_drift_or_of_ids_changes_only_those_and_queues_checks(ids, reported, globex):
    acme, requested = reported
    with acme.transaction():
        is_first = DriftCheck.phone_number == "+15550000001"
        acme.session.execute(
            update(DriftCheck).where(is_first).values(verdict="unhealthy", cause="no_webhook")
        )
    chosen = Selection(filters=Filter(drifted=True))
    assert bulk.change(acme, chosen, {"inbound_agent_name": "Eve"}, expected_count=1).count == 1
    assert _due(acme) == ["+15550000001"]
    assert bulk.affected(acme, chosen).count == 0

    requested.clear()
    before = {row.id: row.version for row in _rows(acme)}
    some = [row.id for row in _rows(globex)]
    chosen = Selection(ids=[ids[1], ids[2], ids[4], *some])
    assert bulk.change(acme, chosen, {"inbound_agent_name": "Ann"}, expected_count=3).count == 3
    changed = [row for row in _rows(acme) if row.inbound_agent_name == "Ann"]
    assert [row.id for row in changed] == [ids[1], ids[2], ids[4]]
    assert {row.id for row in _rows(acme) if row.version != before[row.id]} == {ids[1], ids[2], ids[4]}
    assert [row.inbound_agent_name for row in _rows(globex)] == [None, "Agent 1", "Agent 0"]
    assert requested == [acme.organization.id]
    assert _due(acme) == ["+15550000001", "+15550000002"]  # the other one is inactive
    assert _due(globex) == []


@pytest.mark.both_databases
def test_change_by_a_filter_changes_only_rows_that_differ(reported, globex, ids):
    acme, requested = reported
    before = {row.id: row.version for row in _rows(acme)}
    chosen = Selection(filters=Filter(agent="Agent 1"))
    assert bulk.affected(acme, chosen).count == 5
    with acme.transaction():
        crud.get(acme, ids[1]).is_active = False
    assert bulk.change(acme, chosen, {"is_active": False}, expected_count=5).count == 4
    assert [row.is_active for row in _rows(acme) if row.inbound_agent_name == "Agent 1"] == [False] * 5
    raised = {row.id for row in _rows(acme) if row.version != before[row.id]}
    assert len(raised) == 5
    assert requested == []  # an inactive number is not checked
    assert tallies.of_numbers(acme, ["+15550000003"]) == {}
    assert tallies.of_numbers(acme, ["+15550000002"]) != {}


def test_change_of_an_agent_stales_edits_and_null_removes_it(reported, ids):
    """The outbound agent concerns no webhook."""
    acme, requested = reported
    version = crud.get(acme, ids[1]).version
    bulk.change(acme, ALL, {"outbound_agent_name": "Ann"}, expected_count=12)
    assert (requested, _due(acme)) == ([], [])
    with pytest.raises(Stale):
        crud.update(acme, ids[1], {"label": "x"}, version=version)

    chosen, events = Selection(ids=ids), len(search.recent(acme))
    assert bulk.change(acme, chosen, {"inbound_agent_name": None}, expected_count=12).count == 9
    assert {row.inbound_agent_name for row in _rows(acme)} == {None}
    assert bulk.change(acme, chosen, {"inbound_agent_name": None}, expected_count=12).count == 0
    assert len(search.recent(acme)) == events + 1


def test_change_and_remove_need_the_count_and_remove_deletes_checks_too(acme, globex, ids):
    for chosen in (ALL, Selection(ids=["x"])):
        for expected_count in (11, 13, None):
            for act in (
                lambda: bulk.change(acme, chosen, {"is_active": True}, expected_count=expected_count),  # noqa: B023
                lambda: bulk.remove(acme, chosen, expected_count=expected_count),  # noqa: B023
            ):
                with pytest.raises(Conflict) as refused:
                    act()
                assert refused.value.code == "SELECTION_CHANGED"
    assert len(_rows(acme)) == 12
    assert search.recent(acme) == []

    chosen = Selection(filters=Filter(agent="Agent 0"))
    assert bulk.remove(acme, chosen, expected_count=4).count == 4
    assert len(_rows(acme)) == 8
    assert len(_rows(globex)) == 3
    checked_numbers = {row.phone_number for row in acme.session.scalars(acme.select(DriftCheck))}
    assert checked_numbers == {
        row.phone_number for row in _rows(acme) if row.is_active and row.inbound_agent_name
    }
    event = search.recent(acme)[0]
    assert (event.action, event.subject) == ("endpoints.deleted", "4 endpoints")
    assert event.changes["inbound_agent_name"] == ["Agent 0 (4)", None]
    assert event.changes["selected"] == [None, "agent Agent 0"]


def test_change_records_one_event_that_names_a_few_numbers(acme, ids, monkeypatch):
    bulk.change(acme, Selection(ids=ids[:4]), {"inbound_agent_name": "Ann"}, expected_count=4)
    (event,) = search.recent(acme)
    assert (event.action, event.subject) == ("endpoints.saved", "4 endpoints")
    assert event.changes == {
        "inbound_agent_name": ["Agent 1 (2), Agent 0 (1), none (1)", "Ann"],
        "selected": [None, "individual rows"],
        "numbers": [None, "+15550000000, +15550000001, +15550000002, +15550000003"],
    }

    owners = set(acme.session.scalars(select(AuditEvent.organization_id)))
    assert owners == {acme.organization.id}

    monkeypatch.setattr(bulk, "NAMED", 3)
    bulk.change(acme, ALL, {"label": None}, expected_count=12)
    named = search.recent(acme)[0].changes["numbers"][1]
    assert str(named).endswith("+15550000002 and 9 more")


def test_change_with_a_failing_statement_changes_nothing(engine, acme, ids, report):
    chosen = Selection(filters=Filter(is_active=True))
    bulk.change(acme, chosen, {"inbound_agent_name": "Ann"}, expected_count=9)
    with statements(engine) as sql_statements:
        bulk.change(acme, chosen, {"inbound_agent_name": "Bob"}, expected_count=9)
    before = [(row.inbound_agent_name, row.version) for row in _rows(acme)]
    for number in range(1, len(sql_statements)):
        with pytest.raises(Fault), failing_at(engine, number):
            bulk.change(acme, chosen, {"inbound_agent_name": "Ann"}, expected_count=9)
        acme.session.rollback()
        assert [(row.inbound_agent_name, row.version) for row in _rows(acme)] == before
    report("SQL statement fails", tried=len(sql_statements) - 1, survived=len(sql_statements) - 1)


@pytest.mark.both_databases
def test_mark_due_takes_more_numbers_than_parameters(acme, ids):
    """PostgreSQL takes 65,535, SQLite half as many."""
    with acme.transaction():
        queue.mark_due(acme, [*(f"+1777{n:07}" for n in range(70_000)), "+15550000001"])
    assert _due(acme) == ["+15550000001"]


def test_change_refuses_a_bad_agent_or_too_many_ids_and_changes_each_once(acme, ids):
    for agent in ("a/b", "x" * 101, "", 7):
        with pytest.raises(Invalid) as refused:
            bulk.change(acme, ALL, {"inbound_agent_name": agent}, expected_count=12)
        assert [problem.field for problem in refused.value.problems] == ["inbound_agent_name"]

    with pytest.raises(Invalid) as refused:
        bulk.affected(acme, Selection(ids=["x"] * 1001))
    assert [problem.field for problem in refused.value.problems] == ["id"]
    assert acme.session.scalars(bulk.selected(acme, Selection(ids=["x"] * 1000))).all() == []

    chosen = Selection(filters=Filter(is_active=True))
    assert bulk.change(acme, chosen, {"is_active": False}, expected_count=9).count == 9
    assert _due(acme) == []
    assert acme.session.scalars(acme.select(DriftCheck)).all() == []
    assert bulk.change(acme, ALL, {"is_active": True}, expected_count=12).count == 12
    assert len(_due(acme)) == 9  # those that an agent answers


TWILIO = {
    "public_base_url": "https://voice.example.com",
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": "sample-token-of-twilio",
}


@pytest.mark.both_databases
def test_affected_counts_what_is_active_and_ready_and_who_has_it(acme, globex, cast, ids):
    assert bulk.affected(acme, ALL).ready == 0
    telephony.update(acme, OFFLINE, TWILIO)
    with acme.transaction():
        crud.get(acme, ids[1]).provider = "exotel"
    affected = bulk.affected(acme, ALL)
    assert (affected.count, affected.active, affected.labelled) == (12, 9, 12)
    assert affected.ready == 6
    assert [row.phone_number for row in affected.rows] == [f"+1555{n:07}" for n in range(10)]
    assert affected.healthy == 0
    with acme.transaction():
        numbers = DriftCheck.phone_number.in_(["+15550000001", "+15550000002"])
        acme.session.execute(update(DriftCheck).where(numbers).values(verdict="healthy"))
    assert bulk.affected(acme, ALL).healthy == 1
    assert affected.values == {
        "inbound_agent_name": [("Agent 1", 5), ("Agent 0", 4), (None, 3)],
        "outbound_agent_name": [(None, 12)],
    }

    assert bulk.affected(acme, ALL).dialers == 0
    for user, number in ((cast.mo, "+15550000001"), (cast.mo, "+15550000002"), (cast.dana, "+15550000001")):
        assignments.assign(acme, {"userId": user.id, "provider": "twilio", "phoneNumber": number})
    assert bulk.affected(acme, ALL).dialers == 2
    assert bulk.affected(acme, Selection(ids=[ids[2]])).dialers == 1
    assert bulk.affected(globex, ALL).dialers == 0


def test_words_name_every_part_of_a_filter():
    filters = Filter(text="desk", provider="twilio", agent="Ann", is_active=False, drifted=True, blocked=True)
    parts = ("“desk”", SEARCHED_WORDS, "Twilio", "Ann", "inactive", "drifted", "blocked")
    assert [part for part in parts if part not in bulk.words(filters)] == []
    assert bulk.words(Filter()) == ""
