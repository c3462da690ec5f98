"""Unhealthy numbers by day, and repairs, against a plain count of the same outages."""

from __future__ import annotations

import random
from datetime import datetime, time, timedelta
from statistics import mean, median
from typing import Any

import pytest

from app.core import clock
from app.models import DriftCheck, HealthTransition, Verdict
from app.services.connections import check_days
from app.services.drift.verdicts import ProbeResult
from app.services.status import outages
from app.services.status.outages import Outage
from tests.support.statuses import NUMBER, drifted, go_live, in_sync, save_result

SECOND = timedelta(seconds=1)
NUMBERS = [f"+1555123000{n}" for n in range(6)]


def _store(scope, number, spells):
    """Stores outages as verdicts are stored: each is its start, its end or None, and if it was repaired."""
    own = {"organization_id": scope.organization.id, "provider": "twilio", "phone_number": number}
    for start, end, is_repair in spells:
        steps = [
            ("healthy", "unhealthy", start, None, start),
            ("unhealthy", "unknown", start, None, start + SECOND),
        ]
        if end:
            steps.append(("unknown", "healthy" if is_repair else "off", None, start, end))
        else:
            scope.session.add(DriftCheck(**own, verdict="unhealthy", since=start))
        for was, now, since, ended_since, at in steps:
            row = HealthTransition(**own, was=was, now=now, since=since, ended_since=ended_since, at=at)
            scope.session.add(row)


def _random_spells(source, now):
    at = now - timedelta(days=40)
    spells: list[Any] = []
    while (at := at + timedelta(hours=source.choice([3, 5, 40, 200]))) < now:
        end = at + timedelta(minutes=source.randrange(10, 4000))
        if end >= now:
            return [*spells, (at, None, False)]
        spells.append((at, end, source.random() < 0.8))
        at = end
    return spells


@pytest.mark.both_databases
def test_month_counts_each_number_once_a_day(acme, globex):
    source, now = random.Random(7), clock.now()
    spells = {number: _random_spells(source, now) for number in NUMBERS}
    with acme.transaction():
        for number, own in spells.items():
            _store(acme, number, own)
    month = outages.month(acme)
    beginning = datetime.combine(month.days[0].date, time())
    wrong = []
    for day in month.days:
        begin = datetime.combine(day.date, time())
        end = begin + timedelta(days=1)
        over = {
            n
            for n, own in spells.items()
            for start, stop, _ in own
            if start < end and (not stop or stop >= begin)
        }
        last = {
            n
            for n, own in spells.items()
            for start, stop, _ in own
            if start < end and (not stop or stop >= end)
        }
        if (day.unhealthy, day.lasting) != (len(over), len(last)):
            wrong.append((day, over, last))
    assert wrong == []
    took = [
        (stop - start).total_seconds()
        for own in spells.values()
        for start, stop, is_repair in own
        if is_repair and stop >= beginning
    ]
    assert month.repairs == len(took) > 5
    assert month.mean
    assert month.median
    assert month.mean.total_seconds() == pytest.approx(mean(took), abs=1)
    assert month.median.total_seconds() == pytest.approx(median(took), abs=1)
    assert outages.month(acme.for_organization(None)) == month
    nothing = outages.month(globex)
    assert (nothing.most, nothing.repairs, nothing.median) == (0, 0, None)


def test_of_subject_and_month_follow_the_verdicts(acme):
    go_live(acme)
    save_result(acme, drifted())
    save_result(acme, ProbeResult())
    (current,) = outages.of_subject(acme, "twilio", NUMBER)
    check = acme.session.scalars(acme.select(DriftCheck)).one()
    assert current == Outage(check.since)
    assert (outages.month(acme).days[-1].lasting, check.verdict) == (1, Verdict.UNHEALTHY)
    save_result(acme, in_sync())
    (over,) = outages.of_subject(acme, "twilio", NUMBER)
    assert over.started == current.started
    assert over.ended is not None
    month = outages.month(acme)
    assert [day.is_checked for day in month.days] == [False] * (check_days.SHOWN - 1) + [True]
    assert (month.days[-1].unhealthy, month.days[-1].lasting, month.repairs) == (1, 0, 1)
