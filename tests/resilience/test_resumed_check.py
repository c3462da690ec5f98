"""A server that was killed during a check resumes it when it starts again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.core import clock
from app.extensions import db
from app.models import CheckRun, DriftCheck
from devtools.clients import ApiClient
from devtools.load import superadmin
from devtools.server import served
from simulators.base import Trouble
from simulators.twilio import Twilio

SECONDS = 60.0


class SlowTwilio(Twilio):
    slowness = SECONDS


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def _checks(app: Flask) -> list[tuple[bool, bool | None]]:
    with app.app_context():
        rows = db.session.execute(select(DriftCheck.due, DriftCheck.in_sync)).all()
        db.session.rollback()
        return [(row.due, row.in_sync) for row in rows]


@pytest.mark.thorough(
    "test_run_that_fails_ends_and_a_killed_one_is_continued",
    "test_schedule_that_is_off_resumes_only",
)
def test_a_killed_check_is_resumed_at_the_start(
    app: Flask, tmp_path: Path, environment: dict[str, str]
) -> None:
    """The lease of the killed run has to end first: here its end is set to now instead of waited for."""
    with SlowTwilio() as twilio:
        twilio.trouble = Trouble.SLOW
        there = {"PATCHBAY_UPSTREAMS": ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())}
        with served(tmp_path, environment | there) as server:
            client = ApiClient(server.url, superadmin(server).token)
            account = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
            body = {"public_base_url": "https://voice.acme.example", **account}
            assert client.call("PUT", "/api/settings/telephony", body).status == 200
            body = {"phone_number": "+15551234567", "provider": "twilio", "inbound_agent_name": "support"}
            assert client.call("POST", "/api/settings/endpoints", body).status == 201
            _wait(lambda: any(request.path.endswith(".json") for request in twilio.requests))
            server.kill()
            assert _checks(app) == [(True, None)]
            with app.app_context():
                db.session.execute(update(CheckRun).values(leased_until=clock.now()))
                db.session.commit()
            twilio.trouble = None
            server.start()
            _wait(lambda: _checks(app)[0][0] is False)
    assert _checks(app)[0][1] is not None


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
