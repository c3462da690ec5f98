"""Limits and tallies: counting, expiry, and concurrent attempts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.errors import TooMany
from app.models import Throttle
from app.services import rate_limits
from app.services.rate_limits import Limit

pytestmark = pytest.mark.both_databases
LIMIT = Limit(rate_limits.key("sign-in", "mo@acme.example"))
OTHER = Limit(rate_limits.key("sign-in", "dana@acme.example"))


def _take(scope, times=1, *limits):
    for _ in range(times):
        rate_limits.consume(scope, *(limits or (LIMIT,)))


def _row(scope, limit=LIMIT):
    return scope.session.get(Throttle, limit.key, populate_existing=True)


def _move(scope, by):
    """As if the clock had been moved back by so much since."""
    with scope.transaction():
        row = _row(scope)
        row.window_started_at = row.window_started_at + by


def test_take_refuses_the_eleventh_until_the_window_ends_or_is_cleared(acme, monkeypatch):
    """Also by a success in another request, between the refusal and the reading of its time."""
    _take(acme, 10)
    with pytest.raises(TooMany) as refused:
        _take(acme)
    assert 0 < refused.value.retry_after <= rate_limits.WINDOW.total_seconds()
    with pytest.raises(TooMany):
        rate_limits.expect_room(acme, LIMIT)
    assert _row(acme).count == 10
    with pytest.raises(TooMany):
        _take(acme, 1, OTHER, LIMIT)
    assert _row(acme, OTHER) is None
    _take(acme, 1, OTHER)

    _move(acme, -rate_limits.WINDOW)
    _take(acme)
    assert _row(acme).count == 1

    for back in [timedelta(hours=1), timedelta(days=400)]:
        with acme.transaction():
            rate_limits.clear(acme, LIMIT)
        _take(acme, 10)
        _move(acme, back)
        with pytest.raises(TooMany) as refused:
            _take(acme)
        assert refused.value.retry_after <= rate_limits.WINDOW.total_seconds()
        assert _row(acme).window_started_at <= clock.now()
        _move(acme, -rate_limits.WINDOW)
        _take(acme)

    count, refusals = rate_limits.count, [False]
    monkeypatch.setattr(
        rate_limits, "count", lambda scope, limit: refusals.pop() if refusals else count(scope, limit)
    )
    rate_limits.consume(acme, Limit("cleared"))
    assert refusals == []


def test_forgive_and_clear_beginning_with_end_what_is_a_users_own(acme):
    _take(acme, 9)
    _take(acme, 9, OTHER)
    with acme.transaction():
        rate_limits.uncount(acme, LIMIT, OTHER)
    _take(acme, 10)
    _take(acme, 2, OTHER)
    with pytest.raises(TooMany):
        _take(acme, 1, OTHER)

    own = [Limit(rate_limits.key("sign-in", "mo", *more)) for more in ((), ("192.0.2.1",), ("192.0.2.2",))]
    with acme.transaction():
        rate_limits.clear(acme, OTHER)
    for limit in (*own, OTHER):
        _take(acme, 1, limit)
    with acme.transaction():
        rate_limits.clear_beginning_with(acme, [rate_limits.key("sign-in", "mo")])
    assert [_row(acme, limit) for limit in own] == [None] * 3
    assert _row(acme, OTHER).count == 1

    assert "mo" not in LIMIT.key.split(":")[1]
    assert len(rate_limits.key("code-browser", "x" * 1_000_000, "y", "z")) <= 120


def test_take_concurrently_lets_ten_pass_and_does_not_deadlock(scopes, monkeypatch):
    """Unauthenticated requests have no organization, and so no lock to wait for."""
    answers = scopes.in_parallel(*[("dana", lambda scope: _take(scope.for_organization(None)))] * 20)
    assert [type(answer) for answer in answers if answer] == [TooMany] * 10

    monkeypatch.setattr(rate_limits, "SWEPT_ONCE_IN", 1)
    monkeypatch.setattr(rate_limits, "WINDOW", timedelta(milliseconds=5))
    limits = [Limit(rate_limits.key("sign-in", each), 1000) for each in "abc"]

    def work(scope):
        for _ in range(6):
            _take(scope, 1, *limits)
            with scope.transaction(lock=False):
                rate_limits.uncount(scope, *reversed(limits))

    assert scopes.in_parallel(*[("dana", work)] * 6) == [None] * 6


def test_tally_is_recorded_hourly_and_sweep_deletes_expired_counts_alone(acme):
    def happen():
        with acme.transaction():
            return rate_limits.tally(acme, "refused", "mo")

    assert [happen() for _ in range(4)] == [1, 0, 0, 0]
    with acme.transaction():
        row = acme.session.get_one(Throttle, rate_limits.key("tally:refused", "mo"))
        row.window_started_at -= rate_limits.RECORDED_EVERY
    assert [happen() for _ in range(3)] == [4, 0, 0]
    with acme.transaction():
        rate_limits.sweep(acme)
        assert rate_limits.end_tally(acme, "refused", "mo") == 2
        assert rate_limits.end_tally(acme, "refused", "mo") == 0
    assert happen() == 1

    _take(acme)
    _take(acme, 1, OTHER)
    _move(acme, -2 * rate_limits.WINDOW)
    with acme.transaction():
        rate_limits.sweep(acme)
    assert (_row(acme), _row(acme, OTHER).count) == (None, 1)
