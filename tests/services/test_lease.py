"""A lease: one worker at a time, on a row with `leased_until`."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from app.core import clock
from app.models import CheckRun
from app.services import lease
from app.services.lease import Lease, LeaseLost

pytestmark = pytest.mark.both_databases
LENGTH = timedelta(seconds=40)


@pytest.fixture
def row(acme):
    with acme.transaction():
        acme.session.add(
            CheckRun(organization_id=acme.organization.id, provider="twilio", leased_until=clock.now())
        )


def take(scope, **values):
    own = Lease(scope, CheckRun, LENGTH)
    with scope.transaction():
        return own if own.acquire(**values) else None


def stored(scope):
    scope.session.rollback()
    scope.session.expire_all()
    return scope.session.get(CheckRun, (scope.organization.id, "twilio"))


@pytest.mark.usefixtures("row")
def test_take_is_refused_until_the_end_and_a_lost_lease_changes_nothing(acme, monkeypatch):
    now = clock.now()
    first = take(acme, done=1)
    assert first
    assert take(acme, done=5) is None
    assert (stored(acme).done, lease.is_held(stored(acme).leased_until, LENGTH)) == (1, True)
    monkeypatch.setattr(clock, "now", lambda: now + 2 * LENGTH)
    assert not lease.is_held(stored(acme).leased_until, LENGTH)
    second = take(acme, done=2)
    assert stored(acme).done == 2
    with acme.transaction():
        assert (first.is_held, second.is_held) == (False, True)
        assert not first.write(done=1)
        assert not first.extend(done=1)
        assert not first.release(done=1)
    with pytest.raises(LeaseLost):
        first.renew(every=0.0)
    assert stored(acme).done == 2


@pytest.mark.usefixtures("row")
def test_kept_lease_starts_again_and_one_of_a_clock_that_is_ahead_is_void(acme, monkeypatch):
    now = clock.now()
    own = take(acme)
    monkeypatch.setattr(clock, "now", lambda: now + LENGTH / 2)
    own.renew(every=3600.0)
    until = stored(acme).leased_until
    own.renew(every=0.0)
    assert stored(acme).leased_until > until
    monkeypatch.setattr(clock, "now", lambda: now + 1.2 * LENGTH)
    assert take(acme) is None
    with acme.transaction():
        assert own.release(failure="x")
    assert stored(acme).failure == "x"
    assert take(acme)

    with acme.transaction():
        row = acme.session.get(CheckRun, (acme.organization.id, "twilio"))
        row.leased_until = clock.now() + LENGTH + 2 * clock.APART
    own = take(acme)
    assert own
    with suppress(RuntimeError), acme.transaction():
        own.extend()
        raise RuntimeError
    with acme.transaction():
        assert own.write(done=5)
