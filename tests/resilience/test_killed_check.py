"""A scheduled check that is killed in its middle: what it had not read is not counted as checked."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy import update

from app.core import clock
from app.extensions import db
from app.models import CheckRun, DriftCheck
from devtools.clients import ApiClient
from devtools.load import superadmin
from devtools.server import served
from simulators.base import Reply, Request
from simulators.twilio import ROUTES, Twilio
from tests.support.denominators import Report

SECONDS = 60.0
NUMBERS = [f"+1555768{place:04}" for place in range(14)]
"""More than are read one by one: the list first, then the region of each."""

MOMENTS = (1, 3, 9)
MORE_MOMENTS = (2, 4, 5, 7, 12, 16)
"""Requests of a check after which it is killed: of its test, its list and its regions."""


class StoppedTwilio(Twilio):
    """Twilio that answers so many requests, and holds the others until their client was killed."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 1_000_000
        self.reached = threading.Event()
        self.goes_on = threading.Event()

    def stop_after(self, most: int) -> None:
        self.requests.clear()
        self.reached.clear()
        self.goes_on.clear()
        self.most = most

    def go_on(self) -> None:
        self.requests.clear()
        self.most = 1_000_000
        self.goes_on.set()

    def reply(self, request: Request) -> Reply:
        if len(self.requests) >= self.most:
            self.reached.set()
            self.goes_on.wait(SECONDS)
            return Reply(503, {})
        return super().reply(request)

    def read(self) -> Counter[str]:
        """How often the region of each number was read."""
        return Counter(
            unquote(request.path.rpartition("/")[2]) for request in self.requests if request.host == ROUTES
        )


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.thorough("test_run_that_fails_ends_and_a_killed_one_is_continued")
def test_a_killed_scheduled_check_counts_nothing_that_it_did_not_read(
    app: Flask, tmp_path: Path, environment: dict[str, str], *, full: bool, report: Report
) -> None:
    moments = MOMENTS + MORE_MOMENTS if full else MOMENTS
    survived = 0
    with StoppedTwilio() as twilio:
        upstreams = ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())
        settings = {"PATCHBAY_UPSTREAMS": upstreams, "PATCHBAY_CHECK_EVERY": "60"}
        with served(tmp_path, environment | settings) as server:
            _connect(ApiClient(server.url, superadmin(server).token), twilio)
            _wait(lambda: not _due(app) and _has_ended(app))
            for moment in moments:
                server.stop()
                begun = _begin_soon(app)
                twilio.stop_after(moment)
                server.start()
                assert twilio.reached.wait(SECONDS), "the scheduled check did not begin"
                server.kill()
                assert not _has_ended(app)
                assert _checked_since(app, begun) == set(), "nothing was stored yet"
                _set(app, CheckRun, leased_until=clock.now())
                twilio.go_on()
                server.start()
                _wait(lambda: not _due(app) and _has_ended(app))
                times = twilio.read()
                is_whole = _checked_since(app, begun) == set(NUMBERS)
                survived += is_whole and times == Counter(NUMBERS)
    report("Scheduled check killed", tried=len(moments), survived=survived)
    assert survived == len(moments)


def _connect(client: ApiClient, twilio: Twilio) -> None:
    account = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    body = {"public_base_url": "https://voice.acme.example", **account}
    assert client.call("PUT", "/api/settings/telephony", body).status == 200
    for number in NUMBERS:
        twilio.add(number)
    rows = [{"phone_number": one, "provider": "twilio", "inbound_agent_name": "a"} for one in NUMBERS]
    assert client.call("POST", "/api/settings/endpoints/bulk", {"endpoints": rows}).status == 200


def _begin_soon(app: Flask) -> datetime:
    """Makes the next check begin immediately, and read the region of each number again; returns the time."""
    now = clock.now()
    _set(app, DriftCheck, placed_at=None, place=None)
    _set(app, CheckRun, next_at=now - timedelta(seconds=1), due=False)
    return now


def _set(app: Flask, model: Any, **values: object) -> None:
    with app.app_context():
        db.session.execute(update(model).values(values))
        db.session.commit()


def _checked_since(app: Flask, moment: datetime) -> set[str]:
    return {row.phone_number for row in _rows(app, DriftCheck) if row.checked_at and row.checked_at > moment}


def _due(app: Flask) -> bool:
    return any(row.due for row in _rows(app, DriftCheck))


def _has_ended(app: Flask) -> bool:
    runs = _rows(app, CheckRun)
    return bool(runs) and all(run.finished_at and not run.due for run in runs)


def _rows(app: Flask, model: Any) -> list[Any]:
    with app.app_context():
        rows: list[Any] = list(db.session.query(model))
        db.session.expunge_all()
        db.session.rollback()
        return rows


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
