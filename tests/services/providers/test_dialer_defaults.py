from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.core import clock
from app.database.changes import Changes
from app.models import ApiToken, Organization, User, VoicePhoneNumber
from app.services.access import tokens
from app.services.providers.dialer_defaults import Default, Defaults, OnPostgresql, OnSqlite
from tests.support.scopes import statements

pytestmark = pytest.mark.both_databases


@pytest.fixture
def changes(tmp_path: Path) -> Changes:
    return Changes(tmp_path / "commits")


@pytest.fixture
def defaults(engine: Engine, changes: Changes) -> Defaults:
    if engine.dialect.name == "postgresql":
        return OnPostgresql(engine, changes.count)
    return OnSqlite(engine)


@pytest.fixture
def token(acme, cast) -> str:
    with acme.transaction():
        return tokens.create(acme, cast.mo, name="Dialer", scopes=(), life=timedelta(hours=1)).token.id


def _number(cast, number, *, user="mo", **more):
    return VoicePhoneNumber(
        organization_id=cast.acme.id,
        user_id=getattr(cast, user).id,
        provider="twilio",
        phone_number=number,
        **more,
    )


def test_find_now_returns_what_is_committed(acme, cast, token, defaults, changes):
    assert defaults.find(token) == Default(None, None)
    steps: list[tuple[type[Any], str, dict[str, Any], Default | None]] = [
        (Organization, cast.acme.id, {"active_voice": "twilio"}, Default("twilio", None)),
        (Organization, cast.acme.id, {"active_voice": "sinch"}, Default("sinch", None)),
        (User, cast.mo.id, {"disabled_at": clock.now()}, None),
        (User, cast.mo.id, {"disabled_at": None}, Default("sinch", None)),
        (ApiToken, token, {"revoked_at": clock.now()}, None),
    ]
    for model, row_id, change, expected in steps:
        with acme.transaction():
            row = acme.session.get(model, row_id)
            for name, value in change.items():
                setattr(row, name, value)
        changes.add()
        assert defaults.find_now(token) in (expected, None), change
        assert defaults.find(token) == expected, change
        assert defaults.find_now(token) == expected, change
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
    with statements(engine) as seen:
        assert defaults.find(token) == Default("twilio", "+15551230004")
    assert len(seen) == 1


def test_find_now_needs_no_query_on_postgresql(engine, token, defaults):
    defaults.find(token)
    with statements(engine) as seen:
        assert defaults.find_now(token) == Default(None, None)
    assert seen == []


def test_find_now_reconnects_after_an_error(engine, token):
    if engine.dialect.name == "postgresql":
        return
    defaults = OnSqlite(engine)
    assert defaults.find_now(token) is None
    defaults.find(token)
    assert defaults.find_now(token) is not None
    assert defaults._own is not None
    connection = defaults._own.dbapi_connection
    assert connection is not None
    connection.close()
    assert defaults.find_now(token) is None
    defaults.find(token)
    assert defaults.find_now(token) is not None


def test_changes_are_seen_through_another_map_of_the_file(tmp_path):
    here, there = Changes(tmp_path / "commits"), Changes(tmp_path / "commits")
    before = there.count()
    assert there.count() == before
    here.add()
    assert there.count() == here.count() != before
