"""A PostgreSQL that goes away, as one process sees it."""

from __future__ import annotations

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app import outage, postgresql
from app.extensions import db
from devtools.postgres import Postgres


@pytest.fixture
def database_url(postgresql_url: str) -> str:
    return postgresql_url


def end_sessions(postgres: Postgres, database: str) -> None:
    """Ends those of one database: the server has the databases of other workers' tests too."""
    with postgres.connect("postgres") as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])


def test_session_with_a_cut_connection_can_be_closed(app: Flask, postgres: Postgres) -> None:
    with app.app_context():
        db.session.execute(text("SELECT 1"))
        end_sessions(postgres, str(db.engine.url.database))
        db.session.remove()
        assert db.session.scalar(text("SELECT 2")) == 2


def test_outage_tries_one_connection_at_a_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log has one line for all of it."""
    caplog.set_level(logging.INFO)
    engine = create_engine(
        "postgresql+psycopg://unknown@127.0.0.1:9/none", hide_parameters=True, **postgresql.options()
    )
    with pytest.raises(OperationalError, match="refused"):
        engine.connect()
    for _ in range(5):
        with pytest.raises(OperationalError, match="Not tried"):
            engine.connect()
    monkeypatch.setattr(outage, "RETRY_SECONDS", 0)
    with pytest.raises(OperationalError, match="refused"):
        engine.connect()
    assert len(caplog.records) == 1


def test_outage_ends_with_the_first_connection(postgresql_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    engine = create_engine(postgresql_url, **postgresql.options())
    assert isinstance(engine.pool, postgresql.Pool)
    engine.pool.outage.note(OperationalError(None, None, Exception("a test")))
    for _ in range(2):
        engine.connect().close()
    engine.dispose()
    assert ["database.unavailable" in record.getMessage() for record in caplog.records] == [True, False]
    assert "database.available" in caplog.records[-1].getMessage()

    gone = create_engine("postgresql+psycopg://unknown@127.0.0.1:9/none", **postgresql.options())
    for _ in range(2):
        with pytest.raises(OperationalError):
            gone.connect()
    engine = create_engine(postgresql_url, **postgresql.options())
    engine.connect().close()
    engine.dispose()


def test_slow_statement_is_503(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "STATEMENT_SECONDS", "0.05")
    app.add_url_rule("/api/slow", view_func=lambda: str(db.session.execute(text("SELECT pg_sleep(20)"))))
    with app.app_context():
        postgresql.limit_statements(db.engine)
    answer = client.get("/api/slow")
    assert (answer.status_code, answer.json and answer.json["code"]) == (503, "DATABASE_UNAVAILABLE")
    assert answer.headers["Retry-After"]


def test_silent_server_times_out(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "SILENT_SECONDS", 0.1)
    app.add_url_rule("/api/slow", view_func=lambda: str(db.session.execute(text("SELECT pg_sleep(20)"))))
    with app.app_context():
        postgresql.limit_statements(db.engine)
    assert client.get("/api/slow").status_code == 503
