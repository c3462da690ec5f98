"""Counts of calls: by day and outcome, by agent and by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select

from app.models import Call
from app.services.scope import Scope
from app.services.voice_ai import call_search
from app.services.voice_ai.call_search import CallFilter, CallOutcome

DAYS = 14
"""How many days are shown by default."""

MOST_DAYS = 92
TOP = 8
"""How many agents, and how many numbers, are listed: those with the most calls."""


@dataclass(frozen=True)
class Tally:
    """The calls of one agent or number, or all. `seconds` is the median duration of answered calls."""

    name: str
    calls: int
    answered: int
    successful: int
    seconds: int | None


@dataclass(frozen=True)
class Day:
    date: date
    outcomes: Mapping[CallOutcome, int] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class Daily:
    """The counts of calls by day and outcome."""

    days: list[Day]

    @property
    def calls(self) -> int:
        return sum(day.calls for day in self.days)

    @property
    def outcomes(self) -> dict[CallOutcome, int]:
        """The count of each outcome that occurs."""
        sums = {one: sum(day.outcomes.get(one, 0) for day in self.days) for one in CallOutcome}
        return {one: count for one, count in sums.items() if count}


@dataclass(frozen=True)
class Figures:
    daily: Daily
    total: Tally
    agents: list[Tally]
    numbers: list[Tally]


def period(filters: CallFilter, today: date) -> tuple[date, date]:
    """Returns the first and last day of the figures: the chosen ones, but at most `MOST_DAYS`."""
    last = filters.until or max(today, filters.since or today)
    first = filters.since or _before(last, DAYS - 1)
    return max(first, _before(last, MOST_DAYS - 1)), last


def _before(day: date, days: int) -> date:
    return date.fromordinal(max(1, day.toordinal() - days))


def recent(scope: Scope, today: date) -> Daily:
    """Returns the counts of all calls of the last `DAYS` days."""
    first, last = period(call_search.EVERY_CALL, today)
    return Daily(list(_Calls(scope, call_search.days(first, last)).days(first, last)))


def of(scope: Scope, filters: CallFilter, first: date, last: date) -> Figures:
    """Returns the figures of the calls that match, from the first to the last day."""
    calls = _Calls(scope, [*call_search.conditions(scope, filters), *call_search.days(first, last)])
    everything = calls.tallies(literal(""))
    return Figures(
        Daily(list(calls.days(first, last))),
        everything[0] if everything else Tally("", 0, 0, 0, None),
        calls.tallies(call_search.agent),
        calls.tallies(call_search.number),
    )


@dataclass(frozen=True)
class _Calls:
    scope: Scope
    conditions: list[ColumnElement[bool]]

    def days(self, first: date, last: date) -> Iterator[Day]:
        """Yields every day, with and without calls."""
        day, outcome = func.date(Call.at).label("day"), call_search.outcome.label("ended")
        query = self._select(day, outcome, func.count()).group_by(day, outcome)
        by_day: dict[str, dict[CallOutcome, int]] = {}
        for at, ended, count in self.scope.session.execute(query):
            by_day.setdefault(str(at), {})[CallOutcome(ended)] = count
        for number in range((last - first).days + 1):
            one = first + timedelta(days=number)
            yield Day(one, by_day.get(one.isoformat(), {}))

    def tallies(self, key: ColumnElement[str]) -> list[Tally]:
        """Returns the counts by key, for the `TOP` keys with the most calls."""
        count, is_answered = func.count(), call_search.was_answered()
        is_success = call_search.outcome == str(CallOutcome.SUCCESS)
        name = key.label("name")
        query = self._select(name, count, count.filter(is_answered), count.filter(is_success))
        rows = self.scope.session.execute(query.group_by(name).order_by(count.desc(), name).limit(TOP)).all()
        medians = self._medians(key, [row[0] for row in rows])
        return [Tally(row[0] or "", row[1], row[2], row[3], medians.get(row[0])) for row in rows]

    def _medians(self, key: ColumnElement[str], names: list[str | None]) -> dict[str | None, int]:
        """Returns the median duration by key: that of the middle row, or the mean of the middle two."""
        seconds, count = Call.duration_seconds, func.count().over(partition_by=key)
        place = func.row_number().over(partition_by=key, order_by=seconds)
        columns = (key.label("name"), seconds.label("seconds"), place.label("place"), count.label("of"))
        ordered = self._select(*columns).where(call_search.was_answered(), seconds.is_not(None))
        if None not in names:
            ordered = ordered.where(key.in_(names))
        each = ordered.subquery().c
        middle = (each.place * 2).between(each.of, each.of + 2)
        query = select(each.name, func.avg(each.seconds)).where(middle).group_by(each.name)
        return {name: round(seconds) for name, seconds in self.scope.session.execute(query)}

    def _select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        own = Call.organization_id == self.scope.organization.id
        return select(*columns).where(own, *self.conditions)
