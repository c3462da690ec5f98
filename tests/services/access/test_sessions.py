from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock, hashing
from app.models import WebSession
from app.services.access import sessions, step_up, users

MOMENT = timedelta(seconds=5)


@pytest.fixture
def token(acme, cast):
    with acme.transaction():
        return sessions.start(acme, cast.mo, user_agent="x" * 1000)


def _row(scope):
    scope.session.expire_all()
    return scope.session.scalars(select(WebSession)).one()


def _move(scope, **ago):
    """The row's times, as if that long had passed."""
    with scope.transaction():
        for name, distance in ago.items():
            setattr(_row(scope), name, clock.now() - distance)


def test_user_of_returns_the_enabled_user_of_a_token_that_is_not_stored(acme, cast, token):
    row = _row(acme)
    assert len(token) >= 43
    assert token not in (row.id, row.user_agent)
    assert (row.ip, len(row.user_agent)) == ("192.0.2.1", 300)

    assert sessions.user_of(acme, token) == cast.mo

    others = ("", "junk", "\0", "é", "x" * 5000, _row(acme).id)
    assert [other[:9] for other in others if sessions.user_of(acme, other)] == []

    users.set_disabled(acme, cast.mo.id, True)
    assert sessions.user_of(acme, token) is None
    with acme.transaction():
        assert sessions.start(acme, cast.mo, user_agent="") != token


def test_user_of_writes_last_seen_now_and_then_and_waits_for_no_writer(acme, token, scopes):
    """On SQLite there is one writer at a time, and an import of many rows takes seconds."""
    first = _row(acme).last_seen_at
    sessions.user_of(acme, token)
    assert _row(acme).last_seen_at == first
    _move(acme, last_seen_at=sessions.SEEN_EVERY + MOMENT)
    before = clock.now()
    assert sessions.user_of(acme, token) is not None
    assert _row(acme).last_seen_at >= before

    _move(acme, last_seen_at=sessions.SEEN_EVERY + MOMENT)
    done = threading.Event()

    def read():
        with scopes.of("mo") as own:
            assert sessions.user_of(own, token) is not None
        done.set()

    with scopes.of("gus") as other, other.transaction():
        reader = threading.Thread(target=read)
        reader.start()
        is_done = done.wait(5)
    reader.join()
    assert is_done


def test_end_ends_one_session_and_end_all_all_but_one(acme, cast, token):
    with acme.transaction():
        mine, other = (sessions.start(acme, cast.mo, user_agent="") for _ in range(2))
        danas = sessions.start(acme, cast.dana, user_agent="")
        sessions.end(acme, other)

    def works():
        return [sessions.user_of(acme, each) is not None for each in (token, mine, other, danas)]

    assert works() == [True, True, False, True]
    with acme.transaction():
        sessions.end_all(acme, cast.mo, but=mine)
    assert works() == [False, True, False, True]
    with acme.transaction():
        sessions.end_all(acme, cast.mo)
    assert works() == [False, False, False, True]


def test_is_recent_for_a_while_after_the_password(acme, cast, token):
    def is_recent(each=token):
        return step_up.is_recent(sessions.password_typed_at(acme, each))

    assert is_recent()
    _move(acme, confirmed_at=step_up.RECENT - MOMENT)
    assert is_recent()
    _move(acme, confirmed_at=step_up.RECENT)
    assert not is_recent()
    _move(acme, confirmed_at=-step_up.RECENT - MOMENT)
    assert not is_recent()
    with acme.transaction():
        _row(acme).confirmed_at = None
    assert not is_recent()
    assert not is_recent("another")
    with acme.transaction():
        other = sessions.start(acme, cast.mo, user_agent="")
        acme.session.get_one(WebSession, hashing.of_token(other)).confirmed_at = None
        sessions.confirm(acme, token)
    assert [is_recent(each) for each in (token, other)] == [True, False]
