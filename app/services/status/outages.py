"""Outages of numbers and the time until their repair, from the transitions of their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, null, select
from sqlalchemy.orm import aliased

from app.models import DriftCheck, HealthTransition, Organization, Verdict
from app.services import sql
from app.services.connections import check_days, transitions
from app.services.connections.transitions import CONNECTION
from app.services.scope import Scope

LAST = 3
"""How many outages of one subject are listed."""


@dataclass(frozen=True)
class Outage:
    """A time in which a number or connection was unhealthy. Without an end, it still is."""

    started: datetime
    ended: datetime | None = None


@dataclass(frozen=True)
class Day:
    """The outages of one day: how many numbers were `unhealthy`, and how many at its end.

    `is_checked`: whether a number was checked that day; without checks, zero has no meaning. For today,
    `lasting` counts the present.
    """

    date: date
    is_checked: bool
    unhealthy: int = 0
    lasting: int = 0

    @property
    def ended(self) -> int:
        return self.unhealthy - self.lasting


@dataclass(frozen=True)
class Month:
    """The last days, and the repairs that ended in them: how many, and how long they took."""

    days: Sequence[Day]
    repairs: int
    mean: timedelta | None
    median: timedelta | None

    @property
    def most(self) -> int:
        return max(day.unhealthy for day in self.days)


def of_subject(scope: Scope, provider: str, phone_number: str = CONNECTION) -> list[Outage]:
    """Returns the last outages of one number or connection within the shown days, newest first."""
    start = _beginning(check_days.shown())
    outages: list[Outage] = []
    since: datetime | None = None
    for row in transitions.of_subject(scope, provider, phone_number, start=start):
        if since and row.since is None and row.at >= start:
            outages.append(Outage(since, row.at))
        since = row.since
    if since:
        outages.append(Outage(since))
    return outages[::-1][:LAST]


def month(scope: Scope) -> Month:
    """Returns the last days of the organization's numbers, or of all outside an organization."""
    days = check_days.shown()
    row, start = HealthTransition, _beginning(days)
    length = sql.seconds_between(scope, row.ended_since, row.at)
    is_repair = and_(*_ends(scope), row.at >= start, row.now == Verdict.HEALTHY)
    count, mean = scope.session.execute(select(func.count(), func.avg(length)).where(is_repair)).one()
    return Month(
        _days(scope, days),
        count,
        timedelta(seconds=mean) if count else None,
        _median(scope, select(length).where(is_repair).order_by(length), count),
    )


def _median(scope: Scope, lengths: Select[float], count: int) -> timedelta | None:
    """Returns the median of `count` sorted lengths."""
    middle = (
        list(scope.session.scalars(lengths.offset((count - 1) // 2).limit(2 - count % 2))) if count else []
    )
    return timedelta(seconds=sum(middle) / len(middle)) if middle else None


def _beginning(days: Sequence[date]) -> datetime:
    return datetime.combine(days[0], time())


def _ends(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """Returns conditions for the transitions that ended a number's outage.

    One index covers such queries.
    """
    row = HealthTransition
    return row.ended_since.is_not(None), row.phone_number != CONNECTION, _own(scope, row)


def _own(scope: Scope, model: Any) -> Any:
    """Returns the condition of the scope's organization, or of all.

    It names the organizations even if they are all, because the indexes begin with them.
    """
    if scope.organization_or_none is None:
        return model.organization_id.in_(select(Organization.id))
    return model.organization_id == scope.organization.id


def _days(scope: Scope, days: Sequence[date]) -> list[Day]:
    unhealthy, lasting = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    checked = check_days.with_checks(scope, days)
    for first, last, count, repeated in scope.session.execute(_by_days(scope, _beginning(days))):
        start, end = date.fromisoformat(str(first)), last and date.fromisoformat(str(last))
        for day in days:
            if start <= day and (end is None or day <= end):
                unhealthy[day] += count - (repeated if day == start else 0)
                lasting[day] += count if end is None or day < end else 0
    return [Day(day, day in checked, unhealthy[day], lasting[day]) for day in days]


def _by_days(scope: Scope, start: datetime) -> Select[*tuple[Any, ...]]:
    """Counts outages by first and last day that lasted after `start`.

    A further column counts those whose number had an earlier outage end on their first day: that day would
    count the number twice.
    """
    row, check = HealthTransition, DriftCheck
    ended = _columns(row, row.ended_since, row.at, start).where(*_ends(scope), row.at >= start)
    current = _columns(check, check.since, null(), start).where(
        check.verdict.in_((Verdict.UNHEALTHY, Verdict.UNKNOWN)), check.since.is_not(None), _own(scope, check)
    )
    each = ended.union_all(current).subquery()
    columns = (each.c.first, each.c.last, func.count(), func.sum(each.c.repeated))
    return select(*columns).group_by(each.c.first, each.c.last)


def _columns(number: Any, started: Any, ended: Any, start: datetime) -> Select[*tuple[Any, ...]]:
    earlier = aliased(HealthTransition)
    is_repeated = exists().where(
        earlier.organization_id == number.organization_id,
        earlier.phone_number == number.phone_number,
        earlier.provider == number.provider,
        earlier.at >= func.date(started),
        earlier.at < started,
        earlier.ended_since.is_not(None),
    )
    return select(
        func.date(case((started < start, start), else_=started)).label("first"),
        func.date(ended).label("last"),
        case((and_(started >= start, is_repeated), 1), else_=0).label("repeated"),
    )
