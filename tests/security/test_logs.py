"""The log: no forged line, and every failure under the id that its page shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from tests.security.conftest import Clients
from tests.support.pages import Portal
from tests.support.rows import audit

Log = Callable[[], str]
FORGED = 'x\r\n{"event": "forged", "level": "info"}\r\n'
EMAILS = [
    f"{FORGED}@acme.example",
    "a\x85b@acme.example",
    "\u2028{}",
    "x" * 5000,
    "' OR 1=1 --",
    "\x1b[31mred",
]
HIDDEN = ("Traceback", "OperationalError", "no such table", "SELECT", "endpoints_away", ".py", "sqlalche")


def lines_of(log: Log) -> list[dict[str, object]]:
    """Each is JSON by itself: a line that was forged, or broken in two, would not be one of ours."""
    return [json.loads(line) for line in log().split("\n") if line]


@pytest.mark.asvs("16.4.1")
def test_no_input_forges_a_line_of_the_log_or_of_the_audit(
    app: Flask, anonymous: Portal, dana: Portal, api: Clients, log: Log
) -> None:
    before = len(audit(app))
    for email in EMAILS:
        api.anonymous.post("/api/auth/login", {"email": email, "password": FORGED})
    anonymous.get("/sign-in").press("Sign in", 401, email=f"{FORGED}@acme.example", password=FORGED)
    for path in ("/nowhere%0d%0a%7B%22event%22:%22forged%22%7D", "/o/%0aforged/", "/api/%0d%0aforged"):
        anonymous.raw("GET", path, headers={"User-Agent": 'x"}{"event":"forged"', "X-Request-Id": "forged"})
    dana.get("/o/acme-support/settings").press("Save", 422, name=FORGED)
    lines = lines_of(log)
    assert len(lines) > len(EMAILS)
    assert "forged" not in [line.get("event") for line in lines]
    assert "forged" not in [line.get("request_id") for line in lines]
    for event in audit(app)[before:]:
        assert f"{event.subject}{event.actor_name}{event.ip}".isprintable()
        assert len(event.subject) <= 254


@contextmanager
def failing(app: Flask) -> Iterator[None]:
    """A fault of ours: what reads endpoints does not find their table."""
    for statement in (
        "ALTER TABLE endpoints RENAME TO endpoints_away",
        "ALTER TABLE endpoints_away RENAME TO endpoints",
    ):
        with app.app_context(), db.engine.begin() as connection:
            connection.execute(text(statement))
        if statement.endswith("_away"):
            yield


@pytest.mark.asvs("16.5.1")
def test_a_failure_shows_an_id_and_nothing_else(app: Flask, dana: Portal, api: Clients, log: Log) -> None:
    """Of the API, of a page, of a part of one."""
    with failing(app):
        answer = api.careful.get("/api/settings/endpoints?limit=5")
        pages = [dana.get("/o/acme-support/endpoints", 500, htmx=htmx) for htmx in (None, "endpoints")]
    assert answer.status_code == 500
    body = answer.get_json()
    assert set(body) == {"success", "error", "code", "id"}
    assert (body["success"], body["code"]) == (False, "INTERNAL_ERROR")
    failures = [line for line in lines_of(log) if line["event"] == "request.failed"]
    ids = [str(line["request_id"]) for line in failures]
    assert len(ids) == 3
    assert ids[0] == body["id"]
    for shown, request_id in zip(
        [answer.text + str(answer.headers), *(p.source for p in pages)], ids, strict=True
    ):
        assert [hidden for hidden in HIDDEN if hidden in shown] == []
        assert request_id in shown
        _expect_logged(log, request_id)


def _expect_logged(log: Log, request_id: str) -> None:
    """What happened is in the log, under the id."""
    lines = [line for line in lines_of(log) if line.get("request_id") == request_id]
    assert any("no such table" in str(line.get("exception")) for line in lines)
