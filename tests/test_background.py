from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, func, select, update

from app import background
from app.background import Checker, Schedule
from app.core import clock
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import CheckRun, Endpoint, HealthTransition, ProviderWrite
from app.providers import PROVIDERS
from app.services.audit.actions import Action
from app.services.connections import transitions
from app.services.drift import runs, schedule
from app.services.drift.runs import Report
from app.services.providers import credentials
from app.workers import Worker
from simulators.base import Reply, Request, Simulator, Trouble
from simulators.elevenlabs import ElevenLabs
from simulators.twilio import Twilio
from tests.support.cast import Cast, assemble
from tests.support.full_organization import scope_as

SECONDS = 20


def test_worker_handles_every_item_in_order_whatever_fails():
    handled: list[float] = []
    worker: Worker[int] = Worker("numbers", lambda number: handled.append(number / (number != 50)))
    for number in range(100):
        worker.add(number)
    assert worker.idle.wait(SECONDS)
    assert handled == [number for number in range(100) if number != 50]
    assert [thread.name for thread in threading.enumerate()].count("numbers") == 1


class Held(Twilio):
    """Responds when it is released."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.called, self.released = threading.Event(), threading.Event()

    def answer(self, request: Request) -> Reply:
        self.called.set()
        assert self.released.wait(SECONDS)
        return super().answer(request)


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def twilio() -> Iterator[Held]:
    with Held() as upstream:
        yield upstream
        upstream.released.set()


@pytest.fixture
def labs() -> Iterator[ElevenLabs]:
    with ElevenLabs() as upstream:
        yield upstream


@pytest.fixture
def checker(app: Flask, cast: Cast, twilio: Held, labs: ElevenLabs) -> Iterator[Checker]:
    """Acme and Globex have both connections, whose next check has its time."""
    app.extensions["patchbay_outbound"] = Outbound(twilio.upstreams | labs.upstreams)
    upstreams: dict[str, Simulator] = {"twilio": twilio, "elevenlabs": labs}
    for person in (cast.dana, cast.gus):
        with scope_as(app, person) as scope:
            for key, upstream in upstreams.items():
                names = {field.name for field in PROVIDERS[key].required}
                values = {name: value for name, value in upstream.values.items() if name in names}
                credentials.save(scope, PROVIDERS[key], values)
            schedule.request_due(scope, timedelta(hours=1))
    with app.app_context():
        db.session.execute(update(CheckRun).values(next_at=clock.now()))
        db.session.commit()
    checker = Checker(app)
    yield checker
    for timer in _retries(checker):
        _cancel(timer)


def _unfinished(app: Flask) -> set[str]:
    with app.app_context():
        providers = db.session.scalars(select(CheckRun.provider).where(CheckRun.finished_at.is_(None))).all()
        db.session.remove()
    return set(providers)


def _add_old(app: Flask) -> None:
    """Adds the last transition of a number that was removed long ago."""
    at = clock.now() - transitions.KEPT - timedelta(days=1)
    with app.app_context():
        owner = db.session.scalar(select(CheckRun.organization_id).limit(1))
        own = {"organization_id": owner, "provider": "twilio", "phone_number": "+15551230000"}
        db.session.add(HealthTransition(**own, was="healthy", now="off", at=at))
        db.session.commit()


def _old(app: Flask) -> int:
    with app.app_context():
        count = select(func.count()).where(HealthTransition.at < clock.now() - transitions.KEPT)
        return db.session.scalars(count).one()


def test_schedule_checks_every_connection(
    app: Flask, checker: Checker, twilio: Held, labs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice: the next look finds the second time. After the first one, old transitions were deleted."""
    _add_old(app)
    monkeypatch.setattr(background, "LOOK_SECONDS", 0.01)
    every = Schedule(app, checker, timedelta(minutes=1))
    every.start()
    assert twilio.called.wait(SECONDS)
    twilio.released.set()
    assert checker.idle.wait(SECONDS)
    assert _unfinished(app) == set()
    with app.app_context():
        assert db.session.scalars(select(CheckRun).where(CheckRun.next_at <= clock.now())).all() == []
        twilio.called.clear()
        db.session.execute(update(CheckRun).values(next_at=clock.now()))
        db.session.commit()
    assert twilio.called.wait(SECONDS)
    every.stop()
    assert checker.idle.wait(SECONDS)
    assert _old(app) == 0


def test_schedule_that_is_off_resumes_only(
    app: Flask, checker: Checker, labs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a day, it sweeps all the same."""
    every = Schedule(app, checker, timedelta(0))
    assert every.run_once()
    assert not checker.idle.is_set(), "nothing was ever added"
    assert labs.requests == []
    counts = []
    for seconds in (background.SWEEP_SECONDS, background.SWEEP_SECONDS, 0.0):
        monkeypatch.setattr(background, "SWEEP_SECONDS", seconds)
        _add_old(app)
        every.sweep()
        counts.append(_old(app))
    assert counts == [0, 1, 0]


def test_provider_that_hangs_delays_no_other(
    app: Flask, checker: Checker, twilio: Held, labs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both organizations; ElevenLabs' checks end while Twilio's wait for a response."""
    ended = threading.Semaphore(0)
    run_at = runs.run_at

    def run_and_say(*arguments: Any) -> Report:
        report = run_at(*arguments)
        ended.release()
        return report

    monkeypatch.setattr(runs, "run_at", run_and_say)
    assert Schedule(app, checker, timedelta(hours=1)).run_once()
    assert twilio.called.wait(SECONDS)
    assert ended.acquire(timeout=SECONDS)
    assert ended.acquire(timeout=SECONDS)
    assert _unfinished(app) == {"twilio"}
    twilio.released.set()
    assert checker.idle.wait(SECONDS)
    assert _unfinished(app) == set()


def test_check_of_a_provider_that_fails_is_not_repeated_before_its_time(
    app: Flask, checker: Checker, cast: Cast, twilio: Held
) -> None:
    """Also of numbers, which the check marks as due."""
    app.extensions["patchbay_check_soon"] = checker.queue
    twilio.trouble = Trouble.FAULT
    twilio.released.set()
    row = {"phone_number": "+14155550100", "provider": "twilio", "inbound_agent_name": "support"}
    with scope_as(app, cast.dana) as scope:
        with scope.transaction():
            scope.session.add(Endpoint(organization_id=cast.acme, **row))
        runs.check_all(scope)
    checker.queue(cast.acme)
    assert checker.idle.wait(SECONDS)
    assert _failed(app) == ["twilio"]
    assert _retries(checker) == []


def _failed(app: Flask) -> list[str]:
    with app.app_context():
        providers = db.session.scalars(select(CheckRun.provider).where(CheckRun.failure.is_not(None))).all()
        db.session.remove()
    return list(providers)


def test_place_that_another_process_checks_is_tried_again_alone(
    app: Flask, checker: Checker, cast: Cast, labs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What failed at another provider of the organization waits for its next time."""
    monkeypatch.setattr(background, "RETRY_SECONDS", 600.0)
    labs.trouble = Trouble.FAULT
    with scope_as(app, cast.dana) as scope:
        assert runs.begin(scope, "twilio", everything=True)
        runs.check_all(scope)
    checker.queue(cast.acme)
    assert checker.idle.wait(SECONDS)
    requests = len(labs.requests)
    for _ in range(3):
        checker.queue_place((cast.acme, "twilio"))
        assert checker.idle.wait(SECONDS)
        _retry(checker, 1)
    assert (requests > 0, len(labs.requests)) == (True, requests)


def test_organization_with_a_running_change_is_tried_again_once_it_is_over(
    app: Flask,
    checker: Checker,
    cast: Cast,
    *,
    twilio: Held,
    labs: ElevenLabs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", 600.0)
    labs.trouble = Trouble.FAULT
    twilio.released.set()
    change = {"organization_id": cast.acme, "provider": "twilio", "subject": "+15550100"}
    with scope_as(app, cast.dana) as scope:
        runs.check_all(scope)
        with scope.transaction():
            scope.session.add(ProviderWrite(**change, action=Action.NUMBER_POINTED))
    for _ in range(2):
        checker.queue_place((cast.acme, "elevenlabs"))
        assert checker.idle.wait(SECONDS)
    requests = len(labs.requests)
    _retry(checker, 1)
    assert len(labs.requests) == requests
    with app.app_context():
        db.session.execute(delete(ProviderWrite))
        db.session.commit()
    _retry(checker, 1)
    assert len(labs.requests) > requests > 0
    assert _retries(checker) == []


def _retry(checker: Checker, count: int) -> None:
    """Does now what waits for its time, which is so much."""
    waiting = _retries(checker)
    for timer in waiting:
        _cancel(timer)
    assert len(waiting) == count
    for timer in waiting:
        timer.function(*timer.args)
    assert checker.idle.wait(SECONDS)


def _cancel(timer: threading.Timer) -> None:
    timer.cancel()
    timer.join()


def _retries(checker: Checker) -> list[threading.Timer]:
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    return [timer for timer in timers if getattr(timer.function, "__self__", None) is checker]
