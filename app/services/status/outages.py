"""When numbers were unhealthy, and how long their repairs took, from the transitions of their verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, Subquery, and_, case, func, literal, null, select, true

from app.models import DriftCheck, HealthTransition, Verdict
from app.services import sql
from app.services.connections import check_days, transitions
from app.services.connections.transitions import CONNECTION
from app.services.scope import Scope

LAST = 3
"""So many outages of one subject are listed."""


@dataclass(frozen=True)
class Outage:
    """From when until when a number or connection was unhealthy; without an end, it is so now."""

    started: datetime
    ended: datetime | None = None


@dataclass(frozen=True)
class Day:
    """`unhealthy`: numbers that were so at some time; `lasting`: those that were at the day's end, or are.

    `is_checked`: whether a number was checked that day; otherwise zero means nothing.
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
    """Returns the last outages of one number or connection in the days that are shown, newest first."""
    start = _beginning(check_days.shown())
    found: list[Outage] = []
    since: datetime | None = None
    for row in transitions.of_subject(scope, provider, phone_number, start=start):
        if since and row.since is None and row.at >= start:
            found.append(Outage(since, row.at))
        since = row.since
    if since:
        found.append(Outage(since))
    return found[::-1][:LAST]


def month(scope: Scope) -> Month:
    """Returns the last days of the organization's numbers; of all numbers, outside organizations."""
    days = check_days.shown()
    outages = _outages(scope, _beginning(days))
    length = sql.seconds_between(scope, outages.c.started, outages.c.ended)
    count, mean = scope.session.execute(_of_repairs(outages, func.count(), func.avg(length))).one()
    return Month(
        _days(scope, days, outages),
        count,
        timedelta(seconds=mean) if count else None,
        _median(scope, _of_repairs(outages, length).order_by(length), count),
    )


def _median(scope: Scope, lengths: Select[float], count: int) -> timedelta | None:
    """Returns the middle of so many lengths, or the mean of the two in the middle."""
    middle = (
        list(scope.session.scalars(lengths.offset((count - 1) // 2).limit(2 - count % 2))) if count else []
    )
    return timedelta(seconds=sum(middle) / len(middle)) if middle else None


def _beginning(days: Sequence[date]) -> datetime:
    return datetime.combine(days[0], time())


def _outages(scope: Scope, start: datetime) -> Subquery:
    """The outages that ended after `start`, or have not ended, each with whether it ended with a repair."""
    row, check = HealthTransition, DriftCheck
    is_end = and_(
        row.at >= start,
        row.ended_since.is_not(None),
        row.phone_number != CONNECTION,
    )
    ended = select(
        row.organization_id,
        row.provider,
        row.phone_number,
        row.ended_since.label("started"),
        row.at.label("ended"),
        (row.now == Verdict.HEALTHY).label("is_repair"),
    ).where(is_end, _own(scope, row))
    current = select(
        check.organization_id, check.provider, check.phone_number, check.since, null(), literal(False)
    ).where(
        check.verdict.in_((Verdict.UNHEALTHY, Verdict.UNKNOWN)), check.since.is_not(None), _own(scope, check)
    )
    return ended.union_all(current).subquery()


def _own(scope: Scope, model: Any) -> Any:
    if scope.organization_or_none is None:
        return true()
    return model.organization_id == scope.organization.id


def _of_repairs(outages: Subquery, *columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).where(outages.c.is_repair, outages.c.started.is_not(None))


def _days(scope: Scope, days: Sequence[date], outages: Subquery) -> list[Day]:
    unhealthy, lasting = dict.fromkeys(days, 0), dict.fromkeys(days, 0)
    checked = check_days.with_checks(scope, days)
    for first, last, count, repeated in scope.session.execute(_by_days(outages, days)):
        start, end = date.fromisoformat(str(first)), last and date.fromisoformat(str(last))
        for day in days:
            if start <= day and (end is None or day <= end):
                unhealthy[day] += count - (repeated if day == start else 0)
                lasting[day] += count if end is None or day < end else 0
    return [Day(day, day in checked, unhealthy[day], lasting[day]) for day in days]


def _by_days(outages: Subquery, days: Sequence[date]) -> Select[*tuple[Any, ...]]:
    """Counts outages by first and last day, and those whose number's last one ended on their first day."""
    found, start = outages.c, _beginning(days)
    first = func.date(case((found.started < start, start), else_=found.started))
    last = func.date(found.ended)
    number = (found.organization_id, found.provider, found.phone_number)
    earlier = func.lag(last).over(partition_by=number, order_by=(found.started, found.ended))
    each = (
        select(
            first.label("first"), last.label("last"), case((earlier == first, 1), else_=0).label("repeated")
        )
        .where(found.started.is_not(None))
        .subquery()
    )
    columns = (each.c.first, each.c.last, func.count(), func.sum(each.c.repeated))
    return select(*columns).group_by(each.c.first, each.c.last)
