"""SIGKILL while numbers break and recover: each change of health is reported, in order, and none is lost."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from app import context, create_app
from app.config import Settings
from app.extensions import db
from app.models import DriftCheck, HealthTransition, Verdict
from app.services.drift import queue
from app.services.endpoints import crud
from app.services.notifications import destinations
from app.services.organizations import directory
from app.services.providers import credentials
from app.services.scope import Actor, Scope
from devtools.server import Server, served
from simulators.receiver import URL, Notification, Receiver, Trouble
from tests.resilience.test_kill import SEED, kill_a_worker, kill_everything, kill_the_main_process
from tests.support import statuses
from tests.support.denominators import Report
from tests.support.scopes import OFFLINE

ORGANIZATIONS = 4
NUMBERS = 10
"""Of each organization."""
SECONDS = 100
"""More than a message waits that a killed process was sending, and after some failures."""
FAULTS = (kill_a_worker, kill_everything, kill_the_main_process)

Events = dict[str, list[str]]
"""By number, in order."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        running.slowness = 0.05
        yield running


@pytest.fixture
def portals(tmp_path: Path, environment: dict[str, str], receiver: Receiver) -> Iterator[list[Server]]:
    """One with two workers; on PostgreSQL a second one too."""
    upstreams = ",".join(f"{host}={base}" for host, base in receiver.upstreams.items())
    settings = environment | {"PATCHBAY_WORKERS": "2", "PATCHBAY_UPSTREAMS": upstreams}
    is_shared = environment["DATABASE_URL"].startswith("postgresql")
    with ExitStack() as stack:
        folders = [tmp_path / name for name in ("one", "other")[: 1 + is_shared]]
        for folder in folders:
            folder.mkdir()
        yield [
            stack.enter_context(served(folder, settings | {"PATCHBAY_DATA": str(folder)}))
            for folder in folders
        ]


@pytest.mark.both_databases
@pytest.mark.thorough(
    "test_claimed_message_is_left_alone_until_its_lease_ends",
    "test_processes_in_parallel_never_send_twice",
    "test_derive_in_parallel_reports_each_once",
)
def test_killed_portals_report_each_change_of_health_in_order(
    portals: list[Server], receiver: Receiver, *, full: bool, report: Report
) -> None:
    chance = random.Random(SEED)
    changes, kills = (1000, 40) if full else (60, 3)
    with _organizations(portals[0], receiver) as scopes:
        for kill in range(kills):
            receiver.trouble = chance.choice([Trouble.SLOW, Trouble.SLOW, Trouble.CLOSED])
            _flip(scopes, changes // kills, chance)
            if kill % 3 == 0:
                receiver.wait_for(len(receiver.arrived) + 1, SECONDS)
            chance.choice(FAULTS)(chance.choice(portals))
        receiver.trouble = None
        expected = _changes(scopes[0])
        with suppress(TimeoutError):
            receiver.wait_until(lambda arrived: _reported(arrived) == expected, SECONDS)
    reported = _reported(receiver.arrived)
    wrong = {number for number in expected | reported if reported.get(number) != expected.get(number)}
    total = sum(map(len, expected.values()))
    again = len(receiver.arrived) - len({item.id for item in receiver.arrived})
    name = f"Changes of health reported after SIGKILL, {portals[0].database}"
    report(name, tried=total, survived=total - len(wrong), note=f"{kills} kills, {again} messages sent again")
    assert wrong == set()
    assert again <= kills * ORGANIZATIONS + sum(not item.status for item in receiver.arrived)
    assert {receiver.state(item) for item in receiver.arrived} == {("verified", True)}


@contextmanager
def _organizations(portal: Server, receiver: Receiver) -> Iterator[list[Scope]]:
    """Organizations on the portal's database, changed by this process, with a destination each."""
    app = create_app(Settings.from_environment(portal.environment))
    with app.app_context():
        everywhere = context.scope(Actor(name="test"))
        scopes = []
        for place in range(ORGANIZATIONS):
            scope = everywhere.for_organization(directory.create(everywhere, {"name": f"Acme {place}"}))
            _furnish(scope, place, receiver)
            scopes.append(scope)
        yield scopes
        db.session.remove()
        db.engine.dispose()


def _furnish(scope: Scope, place: int, receiver: Receiver) -> None:
    """Adds numbers that are in sync, and a destination for their changes."""
    directory.update(scope, OFFLINE, {"public_base_url": statuses.BASE, "country": "US"})
    credentials.save(scope, statuses.TWILIO, statuses.TWILIO_VALUES)
    statuses.save_test(scope)
    for number in _numbers(place):
        crud.create(scope, {"phone_number": number, "provider": "twilio", "inbound_agent_name": "support"})
    _save(scope, dict.fromkeys(_numbers(place), True))
    payload = {"kind": "webhook", "url": URL, "events": ["number.unhealthy", "number.recovered"]}
    receiver.secrets += destinations.create(scope, payload).secrets.values()


def _numbers(place: int) -> list[str]:
    return [f"+1555300{place}{n:03}" for n in range(NUMBERS)]


def _save(scope: Scope, is_in_sync: Mapping[str, bool]) -> None:
    """Saves what a check of the numbers found."""
    results = {
        number: statuses.in_sync(number) if is_good else statuses.drifted(number)
        for number, is_good in is_in_sync.items()
    }
    with scope.transaction():
        queue.save_results(scope, "twilio", results)


def _flip(scopes: Sequence[Scope], changes: int, chance: random.Random) -> None:
    """Breaks or repairs so many numbers, one to five in a transaction."""
    while changes > 0:
        place = chance.randrange(ORGANIZATIONS)
        numbers = chance.sample(_numbers(place), min(chance.randint(1, 5), changes))
        query = select(DriftCheck).where(DriftCheck.phone_number.in_(numbers))
        rows = scopes[place].session.scalars(query.execution_options(populate_existing=True)).all()
        _save(scopes[place], {row.phone_number: not row.in_sync for row in rows})
        changes -= len(numbers)


def _changes(scope: Scope) -> Events:
    """Returns the events that the stored transitions stand for."""
    events: dict[str, list[str]] = defaultdict(list)
    query = select(HealthTransition).where(HealthTransition.phone_number != "").order_by(HealthTransition.id)
    for row in scope.session.scalars(query):
        own = events[row.phone_number]
        is_known = own[-1:] == ["number.unhealthy"]
        if row.now == Verdict.UNHEALTHY and not is_known:
            own.append("number.unhealthy")
        elif row.now == Verdict.HEALTHY and is_known:
            own.append("number.recovered")
    return {number: own for number, own in events.items() if own}


def _reported(arrived: Sequence[Notification]) -> Events:
    """Returns the events that arrived, each message counted once, when it arrived first."""
    events: dict[str, list[str]] = defaultdict(list)
    counted_ids: set[str] = set()
    for item in arrived:
        if item.id not in counted_ids:
            counted_ids.add(item.id)
            for number in item.data["subjects"]:
                events[number].append(str(item.json["type"]))
    return events
