"""A save is all or nothing: faults are injected where no server process could be made to have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app import create_app
from app.config import Settings
from app.extensions import db
from app.services.connections import provisioning
from app.services.voice_ai import webhook
from tests.support import contract
from tests.support.caller import Caller
from tests.support.cast import assemble, issue
from tests.support.denominators import Report
from tests.support.rows import dump

IN_PROCESS = "a fault at each SQL statement in turn can be injected in the process of the test alone"
SAVES = [
    ("PUT", "/api/settings/telephony", contract.TELEPHONY_EXAMPLES["twilio"]),
    ("POST", "/api/calls/providers/config", contract.VOICE_CONFIG_EXAMPLE),
    ("POST", "/api/calls/voice-ai/config", contract.VOICE_AI_EXAMPLE),
    ("POST", "/api/settings/endpoints", contract.ENDPOINT_EXAMPLE),
]


@pytest.fixture
def inside(database_url: str, shared_keys: dict[str, str], tmp_path: Any) -> Iterator[Flask]:
    """An application in this process, on a database of its own."""
    settings = {"PATCHBAY_DATA": str(tmp_path), "DATABASE_URL": database_url, **shared_keys}
    app = create_app(Settings.from_environment(settings))
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def failing_at(app: Flask, number: int) -> Iterator[list[str]]:
    """The statement of that number fails, as a broken disk or a lost connection makes it fail."""
    executed: list[str] = []

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        executed.append(statement)
        if len(executed) == number:
            raise OperationalError(statement, {}, Exception("injected"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", fail)


@pytest.mark.thorough("test_save_with_a_failing_statement_changes_nothing")
@pytest.mark.asvs("2.3.3", in_process=IN_PROCESS)
@pytest.mark.parametrize("save", SAVES)
def test_a_save_is_all_or_nothing_if_any_statement_fails(
    inside: Flask, monkeypatch: pytest.MonkeyPatch, report: Report, save: tuple[str, str, dict[str, Any]]
) -> None:
    """Without what follows once it is committed: that is no part of it."""
    monkeypatch.setattr(webhook, "follow", lambda *_: None)
    monkeypatch.setattr(provisioning, "changed", lambda *_: None)
    method, path, body = save
    dana = Caller(inside, issue(inside, assemble(inside).dana, secrets=True).jwt)
    before = dump(inside)
    for number in range(1, 200):
        with failing_at(inside, number) as executed:
            answer = dana.call(method, path, json=body)
        if len(executed) < number:
            break
        assert answer.status_code == 503, executed[-1]
        assert dump(inside) == before, executed[-1]
    report("SQL statement fails", tried=number - 1, survived=number - 1)
    assert number > 5
    assert answer.status_code in (200, 201)
    assert dump(inside) != before
