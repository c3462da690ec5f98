"""The checks of each day: counted with the verdict after them, and nothing for what proved nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.core import clock
from app.models import CheckDay
from app.provider import Outcome, Verified
from app.provider.numbers import Reason
from app.services import sql
from app.services.connections import check_days, gateway, store
from app.services.connections.check_days import Day
from app.services.connections.proof import Evidence
from app.services.drift.verdicts import ProbeResult
from tests.support.statuses import NUMBER, TWILIO, drifted, go_live, in_sync, save_result

REFUSED = Verified(False, Outcome.BAD_CREDENTIALS, "Look there.")


@pytest.fixture
def live(acme):
    go_live(acme)
    return acme


def prove(scope, result=None):
    with scope.transaction():
        gateway.record(scope, store.load(scope, TWILIO), Evidence.NUMBERS, result)


def today(scope, number=NUMBER):
    *earlier, last = check_days.of_subject(scope, "twilio", number)
    assert earlier == [Day(day) for day in check_days.shown()[:-1]]
    return last.healthy, last.unhealthy, last.unknown


@pytest.mark.both_databases
def test_checks_are_counted_by_the_verdict_after_them_and_swept(live, globex, monkeypatch):
    save_result(live, in_sync())
    assert today(live) == (2, 0, 0)
    save_result(live, drifted())
    save_result(live, ProbeResult(trouble=Reason.NOT_SHOWN))
    assert today(live) == (2, 1, 1)
    for nothing in (Reason.PROVIDER_UNREACHABLE, Reason.BUSY, Reason.PROVIDER_NOT_CONFIGURED):
        save_result(live, ProbeResult(trouble=nothing))
    assert today(live) == (2, 1, 1)
    prove(live, REFUSED)
    save_result(live, ProbeResult(trouble=Reason.CREDENTIALS_REFUSED))
    assert today(live) == (2, 2, 1)
    prove(live)
    assert today(live, "") == (1, 1, 0)

    assert check_days.of_subject(globex, "twilio", NUMBER) == [Day(day) for day in check_days.shown()]
    days = check_days.shown()[-2:]
    assert check_days.with_checks(live, days) == {days[-1]}
    assert check_days.with_checks(globex, days) == set()
    assert check_days.with_checks(live.for_organization(None), days) == {days[-1]}

    monkeypatch.setattr(check_days, "BATCH", 1)
    prove(live)
    before = clock.now().date() - timedelta(days=check_days.SHOWN)
    with live.transaction():
        sql.run(live, update(CheckDay).values(day=before))
    save_result(live, in_sync())
    assert check_days.sweep(live) == 2
    assert today(live) == (1, 0, 0)
