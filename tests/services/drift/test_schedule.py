"""When connections are checked, and by which process."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.models import CheckRun, Connection
from app.services.drift import runs, schedule
from app.services.drift.runs import Report
from tests.support.scopes import OFFLINE, winners

HOUR = timedelta(hours=1)


@pytest.fixture
def place(acme):
    """A connection."""
    with acme.transaction():
        own = {"organization_id": acme.organization.id, "provider": "twilio"}
        acme.session.add(Connection(**own, values={}))
    return (acme.organization.id, "twilio")


def _run(scope) -> CheckRun:
    scope.session.rollback()
    key = (scope.organization.id, "twilio")
    return scope.session.get_one(CheckRun, key, populate_existing=True)


def _next(scope) -> timedelta:
    """In how long the next check is."""
    at = _run(scope).next_at
    assert at is not None
    return at - clock.now()


def _set(scope, **values):
    with scope.transaction():
        row = scope.session.get_one(CheckRun, (scope.organization.id, "twilio"), populate_existing=True)
        for name, value in values.items():
            setattr(row, name, value)


def test_next_times_are_spread_over_the_period_and_keep_their_place_in_it():
    now = clock.now()
    places = [(f"organization {n}", "twilio") for n in range(60)]
    times = [schedule.next_time(place, now, HOUR) for place in places]
    assert all(now < time <= now + HOUR for time in times)
    assert len({time.minute // 10 for time in times}) == 6
    later = [schedule.next_time(place, time, HOUR) for place, time in zip(places, times, strict=True)]
    assert later == [time + HOUR for time in times]


@pytest.mark.both_databases
def test_request_due_requests_once_follows_the_period_and_repeats_failures(acme, scopes, place):
    """In a new period the check gets its place; it is not requested early."""
    assert schedule.request_due(acme, HOUR) == 0
    first = _run(acme).next_at
    assert timedelta(0) < _next(acme) <= HOUR
    assert schedule.waiting(acme) == []
    _set(acme, next_at=clock.now() - timedelta(days=3))
    acme.session.rollback()
    requested = scopes.in_parallel(*[("dana", lambda scope: schedule.request_due(scope, HOUR))] * 4)
    assert sorted(winners(requested)) == [0, 0, 0, 1]
    assert (_run(acme).due, _run(acme).next_at) == (True, first)
    assert schedule.waiting(acme) == [place]

    _set(acme, due=False, next_at=clock.now() + timedelta(days=20))
    assert schedule.request_due(acme, HOUR) == 0
    assert timedelta(0) < _next(acme) <= HOUR
    assert not _run(acme).due

    now = clock.now()
    _set(acme, due=True, leased_until=now, finished_at=now, failure="Twilio does not respond.")
    assert schedule.request_due(acme, HOUR) == 0
    assert schedule.waiting(acme) == []
    _set(acme, next_at=now)
    assert schedule.request_due(acme, HOUR) == 1
    assert schedule.waiting(acme) == [place]


def test_provider_that_was_removed_is_not_checked(acme):
    """Its rows stay."""
    own = {"organization_id": acme.organization.id, "provider": "retired"}
    with acme.transaction():
        acme.session.add(Connection(**own, values={}))
    assert schedule.request_due(acme, HOUR) == 0
    assert acme.session.get(CheckRun, tuple(own.values())) is None
    with acme.transaction():
        acme.session.add(CheckRun(**own, due=True))
    assert (schedule.waiting(acme), runs.pending(acme)) == ([], set())
    assert runs.run_at(acme, OFFLINE, "retired", everything=True) == Report()
    assert acme.session.get_one(CheckRun, tuple(own.values())).started_at is None


@pytest.mark.both_databases
def test_waiting_leaves_out_what_runs_or_has_failed(acme, place):
    schedule.request_due(acme, HOUR)
    now = clock.now()
    wrong = []
    for values, waits, waits_at_the_start in (
        ({"due": False}, False, False),
        ({"due": True}, True, True),
        ({"started_at": now, "leased_until": now + runs.LEASE}, False, False),
        ({"leased_until": now - runs.LEASE}, True, True),
        ({"finished_at": now, "failure": "Twilio does not respond."}, False, True),
    ):
        _set(acme, **values)
        observed = (bool(schedule.waiting(acme)), bool(schedule.waiting(acme, has_failed=True)))
        if observed != (waits, waits_at_the_start):
            wrong.append((values, observed))
    assert wrong == []
