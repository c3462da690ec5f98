"""What goes wrong on our side says so, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app import create_app
from app.api.operations import OPERATIONS, TOKEN_HOLDERS, Operation
from app.config import Settings
from app.extensions import db
from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast

DOCUMENTED = [o for o in OPERATIONS if o.view.__name__ not in ("docs", "openapi_document")]


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


def _path(operation: Operation, cast: Cast) -> str:
    path = operation.path.replace("<organization_id>", cast.acme).replace("<user_id>", cast.mo.id)
    path = path.replace("<endpoint_id>", "any").replace("<provider>", "sinch")
    return path.replace("<phone_number>", "+15551234567")


@pytest.fixture(params=["postgresql", "sqlite"])
def away(request: pytest.FixtureRequest, environment: dict[str, str], tmp_path: Any) -> Iterator[Flask]:
    """The same installation, whose database cannot be reached."""
    url = {
        "postgresql": "postgresql+psycopg://unknown@127.0.0.1:1/nothing",
        "sqlite": f"sqlite:///{tmp_path}/no-such-folder/patchbay.db",
    }[request.param]
    app = create_app(Settings.from_environment(environment | {"DATABASE_URL": url}))
    yield app
    with app.app_context():
        db.engine.dispose()


def test_unreachable_database_is_503(
    away: Flask, dana: Caller, cast: Cast, *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """Every fourth operation says so; thorough, every one."""
    assert Caller(away).get("/api/openapi.json").status_code == 200
    for operation in DOCUMENTED if thorough else DOCUMENTED[::4]:
        with subtests.test(_name(operation)):
            body = {"json": {"email": cast.dana.email, "password": PASSWORD}} if operation.body else {}
            path = _path(operation, cast)
            answer = Caller(away, dana.token).call(operation.method, path, **body)
            assert answer.status_code == 503
            assert answer.json["code"] == "DATABASE_UNAVAILABLE"  # type: ignore[index]
            assert "sqlalche" not in answer.text.lower()
            assert "127.0.0.1" not in answer.text
            if operation.who in TOKEN_HOLDERS:
                assert Caller(away).call(operation.method, path, **body).status_code == 401


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_cut_connections_are_replaced(app: Flask, dana: Caller) -> None:
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


def test_failure_in_the_view_or_after_it_is_500_and_not_503(
    app: Flask, dana: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for a database that is away."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE endpoints RENAME TO elsewhere"))
    answer = dana.get("/api/settings/endpoints?limit=5")
    assert answer.status_code == 500
    assert set(answer.get_json()) == {"success", "error", "code", "id"}

    app.config["PROPAGATE_EXCEPTIONS"] = False
    raised: list[Exception] = []

    def fail_once(response: Response) -> Response:
        while raised:
            raise raised.pop()
        return response

    monkeypatch.setitem(app.after_request_funcs, None, [*app.after_request_funcs[None], fail_once])
    outcomes = []
    for error in (RuntimeError("sample"), OperationalError(None, None, Exception("sample"))):
        raised.append(error)
        answer = dana.get("/api/me")
        outcomes.append((answer.status_code, answer.get_json()["code"], "id" in answer.get_json()))
    assert outcomes == [(500, "INTERNAL_ERROR", True), (503, "DATABASE_UNAVAILABLE", False)]
