"""What goes wrong on our side says so, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.api.operations import OPERATIONS, TOKEN_HOLDERS, Operation
from app.config import Settings
from app.extensions import db
from app.services import endpoint_pages, provisioning, telephony, voice, workspace_webhook
from tests.support import contract
from tests.support.caller import Caller
from tests.support.cast import PASSWORD, Cast
from tests.support.denominators import Report
from tests.support.rows import dump

MARKER = "marker-of-a-made-up-secret"
DOCUMENTED = [o for o in OPERATIONS if o.view.__name__ not in ("docs", "openapi_document")]


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _path(operation: Operation, cast: Cast) -> str:
    path = operation.path.replace("<organization_id>", cast.acme).replace("<user_id>", cast.mo.id)
    path = path.replace("<endpoint_id>", "any").replace("<provider>", "sinch")
    return path.replace("<phone_number>", "+15551234567")


@pytest.mark.asvs("16.5.1")
@pytest.mark.parametrize(
    ("module", "function", "path"),
    [
        (telephony, "read", "/api/settings/telephony"),
        (voice, "read_config", "/api/calls/providers/config"),
        (voice, "active_for_token", "/api/calls/providers"),
        (endpoint_pages, "page", "/api/settings/endpoints?limit=5"),
    ],
)
def test_an_unexpected_exception_is_an_id_and_nothing_else(
    dana: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    module: Any,
    function: str,
    path: str,
) -> None:
    def fail(*_arguments: Any, **_named: Any) -> None:
        raise RuntimeError(f"what happened, with {MARKER}")

    monkeypatch.setattr(module, function, fail)
    answer = dana.get(path)
    assert answer.status_code == 500
    assert answer.json is not None
    assert answer.json == {
        "success": False,
        "error": "Something went wrong here. The log has it under this id.",
        "code": "INTERNAL_ERROR",
        "id": answer.json["id"],
    }
    assert len(answer.json["id"]) == 16
    assert MARKER not in answer.text + str(answer.headers)
    assert answer.json["id"] in caplog.text


@contextmanager
def _failing_at(app: Flask, number: int) -> Iterator[list[str]]:
    """The statement of that number fails, as a broken disk or a lost connection makes it fail."""
    sent: list[str] = []

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)
        if len(sent) == number:
            raise OperationalError(statement, {}, Exception("injected"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", fail)


SAVES = [
    ("PUT", "/api/settings/telephony", contract.TELEPHONY_EXAMPLES["twilio"]),
    ("POST", "/api/calls/providers/config", contract.VOICE_CONFIG_EXAMPLE),
    ("POST", "/api/calls/voice-ai/config", contract.VOICE_AI_EXAMPLE),
    ("POST", "/api/settings/endpoints", contract.ENDPOINT_EXAMPLE),
]


@pytest.mark.asvs("2.3.3")
@pytest.mark.parametrize(("method", "path", "body"), SAVES, ids=[path for _, path, _ in SAVES])
def test_a_save_is_all_or_nothing_whatever_statement_fails(
    app: Flask,
    dana: Caller,
    monkeypatch: pytest.MonkeyPatch,
    report: Report,
    *,
    method: str,
    path: str,
    body: dict,
) -> None:
    """Without what follows once it is committed: that is no part of it."""
    monkeypatch.setattr(workspace_webhook, "follow", lambda *_: None)
    monkeypatch.setattr(provisioning, "changed", lambda *_: None)
    before = dump(app)
    for number in range(1, 200):
        with _failing_at(app, number) as sent:
            answer = dana.call(method, path, json=body)
        if len(sent) < number:
            break
        assert answer.status_code == 503, sent[-1]
        assert dump(app) == before, sent[-1]
    report("SQL statement fails", tried=number - 1, survived=number - 1)
    assert number > 5
    assert answer.status_code in (200, 201)
    assert dump(app) != before


@pytest.fixture(params=["postgresql", "sqlite"])
def away(request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Any) -> Iterator[Flask]:
    """The same installation, whose database cannot be reached."""
    url = {
        "postgresql": "postgresql+psycopg://nobody@127.0.0.1:1/nothing",
        "sqlite": f"sqlite:///{tmp_path}/no-such-folder/patchbay.db",
    }[request.param]
    app = create_app(Settings.from_environment(environment | {"DATABASE_URL": url}))
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize("operation", DOCUMENTED, ids=_name)
def test_a_database_that_is_away_is_503(away: Flask, dana: Caller, cast: Cast, operation: Operation) -> None:
    body = {"json": {"email": cast.dana.email, "password": PASSWORD}} if operation.body else {}
    path = _path(operation, cast)
    answer = Caller(away, dana.token).call(operation.method, path, **body)
    assert answer.status_code == 503
    assert answer.json["code"] == "DATABASE_UNAVAILABLE"  # type: ignore[index]
    assert "sqlalche" not in answer.text.lower()
    assert "127.0.0.1" not in answer.text
    if operation.who in TOKEN_HOLDERS:
        assert Caller(away).call(operation.method, path, **body).status_code == 401


def test_the_document_needs_no_database(away: Flask) -> None:
    assert Caller(away).get("/api/openapi.json").status_code == 200


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_it_recovers_by_itself(app: Flask, dana: Caller) -> None:
    """A connection that was cut is replaced. SQLite has none that could be."""
    with app.app_context():
        assert dana.get("/api/calls/providers").status_code == 200
        db.session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    statuses = [dana.get("/api/calls/providers").status_code for _ in range(3)]
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 503}


def test_a_fault_of_ours_in_the_database_is_not_called_its_absence(app: Flask, dana: Caller) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE endpoints RENAME TO elsewhere"))
    answer = dana.get("/api/settings/endpoints?limit=5")
    assert answer.status_code == 500
    assert set(answer.get_json()) == {"success", "error", "code", "id"}
