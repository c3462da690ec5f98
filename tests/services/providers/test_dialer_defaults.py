from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from app.core import clock
from app.database.changes import Changes
from app.models import ApiToken, Organization, User, VoicePhoneNumber
from app.services.access import tokens
from app.services.providers import dialer_defaults
from app.services.providers.dialer_defaults import Default, Defaults, OnPostgresql, OnSqlite
from tests.support.scopes import statements

pytestmark = pytest.mark.both_databases


@pytest.fixture
def changes(tmp_path: Path, engine: Engine) -> Changes:
    changes = Changes(tmp_path / "commits", dialer_defaults.may_change_defaults)
    changes.watch(engine)
    return changes


@pytest.fixture
def defaults(engine: Engine, changes: Changes) -> Defaults:
    if engine.dialect.name == "postgresql":
        return OnPostgresql(engine, changes.count)
    return OnSqlite(engine)


def look_up(defaults: Defaults, token_ids: Sequence[str]) -> list[Default | None]:
    """Concurrently, on a loop of its own: the browser's may be running in this thread."""

    async def run() -> list[Default | None]:
        return list(await asyncio.gather(*(defaults.look_up(token_id) for token_id in token_ids)))

    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, run()).result()


def start_and_wait(thread: Thread, start: Callable[[Thread], None]) -> None:
    start(thread)
    if thread.name == "dialers":
        thread.join()


@pytest.fixture
def issued(acme, cast) -> list[str]:
    """Ids of 100 tokens."""
    with acme.transaction():
        life = timedelta(hours=1)
        new = [tokens.create(acme, cast.mo, name="Dialer", scopes=(), life=life).token for _ in range(100)]
    return [token.id for token in new]


@pytest.fixture
def token(issued) -> str:
    return issued[0]


def _number(cast, number, *, user="mo", **more):
    return VoicePhoneNumber(
        organization_id=cast.acme.id,
        user_id=getattr(cast, user).id,
        provider="twilio",
        phone_number=number,
        **more,
    )


def test_look_up_returns_what_is_committed(acme, cast, token, defaults, changes):
    assert defaults.find(token) == Default(None, None)
    steps: list[tuple[type[Any], str, dict[str, Any], Default | None]] = [
        (Organization, cast.acme.id, {"active_voice": "twilio"}, Default("twilio", None)),
        (Organization, cast.acme.id, {"active_voice": "sinch"}, Default("sinch", None)),
        (User, cast.mo.id, {"disabled_at": clock.now()}, None),
        (User, cast.mo.id, {"disabled_at": None}, Default("sinch", None)),
        (ApiToken, token, {"revoked_at": clock.now()}, None),
    ]
    for model, row_id, change, expected in steps:
        look_up(defaults, [token])
        with acme.transaction():
            row = acme.session.get(model, row_id)
            for name, value in change.items():
                setattr(row, name, value)
        changes.committed()
        assert look_up(defaults, [token]) == [expected], change
        assert defaults.find(token) == expected, change
    assert defaults.find("no-such-token") is None


def test_find_is_one_query_for_the_default_number_of_the_user(engine, acme, cast, token, defaults):
    with acme.transaction():
        cast.acme.active_voice = "twilio"
        acme.session.add_all(
            [
                _number(cast, "+15551230003"),
                _number(cast, "+15551230004", is_default=True),
                _number(cast, "+15551230005", user="dana", is_default=True),
            ]
        )
    with statements(engine) as sql_statements:
        assert defaults.find(token) == Default("twilio", "+15551230004")
    assert len(sql_statements) == 1


def test_look_up_on_postgresql_is_one_query_for_all_and_none_after_others(
    acme, issued, defaults, changes, monkeypatch
):
    """However slow the machine is: what was found stays fresh."""
    if not acme.is_postgresql:
        return
    with monkeypatch.context() as patch:
        for limit in ("AHEAD_SECONDS", "FRESH_SECONDS"):
            patch.setattr(dialer_defaults, limit, 60.0)
        for token_id in issued:
            defaults.expect(token_id)
        with statements(acme.session.get_bind()) as sql_statements:
            assert look_up(defaults, issued) == [Default(None, None)] * len(issued)
        assert len(sql_statements) == 1

    token = issued[0]
    look_up(defaults, [token])
    with acme.transaction():
        acme.organization.revision += 1
    changes.committed()
    result = defaults._tokens[token].result
    look_up(defaults, [token])
    assert defaults._tokens[token].result.commits == result.commits == changes.count()


def test_look_up_on_postgresql_uses_a_query_that_ended_quickly(acme, issued, defaults, monkeypatch):
    """It ends before the request waits for it."""
    if not acme.is_postgresql:
        return
    monkeypatch.setattr(Thread, "start", lambda self, start=Thread.start: start_and_wait(self, start))
    with statements(acme.session.get_bind()) as sql_statements:
        assert look_up(defaults, issued[:1]) == [Default(None, None)]
    assert len(sql_statements) == 1


def test_look_up_is_none_without_a_database_and_reconnects(token, changes, engine):
    away = OnPostgresql(create_engine("postgresql+psycopg://127.0.0.1:1/none"), changes.count)
    assert look_up(away, [token]) == [None]

    if engine.dialect.name == "postgresql":
        return
    defaults = OnSqlite(engine)
    assert look_up(defaults, [token]) == [None]
    defaults.find(token)
    assert look_up(defaults, [token]) != [None]
    assert defaults._own is not None
    connection = defaults._own.dbapi_connection
    assert connection is not None
    connection.close()
    assert look_up(defaults, [token]) == [None]
    defaults.find(token)
    assert look_up(defaults, [token]) != [None]


def test_changes_are_seen_through_another_map_of_the_file(tmp_path, engine):
    here, there = (Changes(tmp_path / "commits", lambda sql: "users" in sql) for _ in range(2))
    here.watch(engine)
    before = there.count()
    for statement, is_counted in [("SELECT 1", False), ("SELECT 1 FROM users", True)]:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        here.committed()
        assert (there.count() == here.count() != before) is is_counted, statement
    assert there.count() == there.count()


def test_matters_is_what_changes_a_default():
    cases = {
        "SELECT users.id FROM users FOR UPDATE": False,
        "UPDATE organizations SET revision=1 WHERE id IN (SELECT organization_id FROM users)": False,
        "UPDATE organizations SET active_voice=NULL, revision=2": True,
        "DELETE FROM organizations": True,
        "UPDATE api_tokens SET revoked_at=now()": True,
        "INSERT INTO voice_phone_numbers VALUES (1)": True,
        "WITH gone AS (DELETE FROM users RETURNING id) SELECT count(*) FROM gone": True,
        "INSERT INTO audit_events VALUES (1)": False,
        "BEGIN IMMEDIATE": False,
    }
    assert {sql: dialer_defaults.may_change_defaults(sql) for sql in cases} == cases
