"""The results of the checks of each day, counted in the transactions that store them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, delete, literal, literal_column, select, tuple_

from app.core import clock
from app.models import CheckDay, DriftCheck, Verdict
from app.provider import Provider
from app.providers import PROVIDERS
from app.services import sql
from app.services.connections.transitions import CONNECTION
from app.services.scope import Scope

SHOWN = 30
"""How many days pages show, including today. Earlier ones are deleted."""

IN_TABLE = 14
"""How many days a table row shows, including today."""

BATCH = 1000
"""How many rows one transaction deletes: it blocks other writers meanwhile."""

COUNTED = (Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.UNKNOWN)
"""The verdicts that a check can lead to. Each has a column."""


@dataclass(frozen=True)
class Day:
    """The number of checks on one day, by the verdict that followed."""

    date: date
    healthy: int = 0
    unhealthy: int = 0
    unknown: int = 0

    @property
    def checks(self) -> int:
        return self.healthy + self.unhealthy + self.unknown


def count_numbers(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    """Counts a check of each number, with the verdict that it has at the commit.

    Call it after `number_health.changed`, because hooks run in the order of their registration.
    """
    scope.before_commit(_count, (provider, frozenset(numbers)))


def _count(scope: Scope, checks: list[tuple[str, frozenset[str]]]) -> None:
    row = DriftCheck
    for provider, numbers in checks:
        counts = [case((row.verdict == verdict, 1), else_=0) for verdict in COUNTED]
        place = (row.organization_id, row.provider, row.phone_number)
        conditions = (row.organization_id == scope.organization.id, row.provider == provider)
        query = select(*place, literal(clock.now().date()), *counts).where(
            *conditions, sql.in_list(scope, row.phone_number, numbers)
        )
        if numbers:
            sql.run(scope, _increment(scope).from_select(_NAMES, query, include_defaults=False))


def count_connection(scope: Scope, provider: Provider, verdict: Verdict) -> None:
    """Counts a check of a connection, in the open transaction."""
    values = {
        "organization_id": scope.organization.id,
        "provider": provider.key,
        "phone_number": CONNECTION,
        "day": clock.now().date(),
    }
    counts = {str(counted): int(counted is verdict) for counted in COUNTED}
    sql.run(scope, _increment(scope).values(values | counts))


_NAMES = ["organization_id", "provider", "phone_number", "day", *map(str, COUNTED)]


def _increment(scope: Scope) -> Any:
    """Returns an INSERT that adds its counts to those of an existing row."""
    sums = {str(name): getattr(CheckDay, name) + literal_column(f"excluded.{name}") for name in COUNTED}
    return sql.upsert(scope, CheckDay, sums)


def shown(today: date | None = None) -> list[date]:
    """Returns the days that are shown, oldest first."""
    last = today or clock.now().date()
    return [last - timedelta(days=ago) for ago in reversed(range(SHOWN))]


def of_subject(scope: Scope, provider: str, phone_number: str = CONNECTION) -> list[Day]:
    """Returns the shown days of a number or connection, also those without checks."""
    days = shown()
    query = scope.select(CheckDay).where(
        CheckDay.provider == provider, CheckDay.phone_number == phone_number, CheckDay.day >= days[0]
    )
    checked = {
        row.day: Day(row.day, row.healthy, row.unhealthy, row.unknown) for row in scope.session.scalars(query)
    }
    return [checked.get(day, Day(day)) for day in days]


def of_numbers(scope: Scope, numbers: Collection[str]) -> dict[tuple[str, str], list[Day]]:
    """Returns the days of a table row for each number with checks, by provider and number."""
    days, row = shown()[-IN_TABLE:], CheckDay
    counts = (getattr(row, name) for name in COUNTED)
    query = select(row.provider, row.phone_number, row.day, *counts).where(
        row.organization_id == scope.organization.id,
        row.provider.in_(PROVIDERS),
        sql.in_list(scope, row.phone_number, numbers),
        row.day >= days[0],
    )
    by_number: dict[tuple[str, str], dict[date, Day]] = defaultdict(dict)
    for provider, number, day, *counted in scope.session.execute(query):
        by_number[provider, number][day] = Day(day, *counted)
    return {key: [own.get(day, Day(day)) for day in days] for key, own in by_number.items()}


def with_checks(scope: Scope, days: Sequence[date]) -> set[date]:
    """Returns the days on which a number of the organization was checked; outside one, any number."""
    checked = (_has_check_on(scope, day).label(f"day_{place}") for place, day in enumerate(days))
    row = scope.session.execute(select(*checked)).one()
    return {day for day, is_checked in zip(days, row, strict=True) if is_checked}


def _has_check_on(scope: Scope, day: date) -> ColumnElement[bool]:
    some = select(CheckDay.day).where(CheckDay.day == day, CheckDay.phone_number > CONNECTION)
    if scope.organization_or_none:
        some = some.where(CheckDay.organization_id == scope.organization.id)
    return some.exists()


def sweep(scope: Scope) -> int:
    """Deletes every organization's days that are no longer shown, in batches. Returns how many."""
    count, key = 0, (CheckDay.day, CheckDay.organization_id, CheckDay.phone_number)
    is_old = CheckDay.day < shown()[0]
    batch = select(*key).where(is_old).order_by(*key).limit(BATCH)
    while keys := scope.session.execute(batch).all():
        scope.end_read()
        with scope.transaction(lock=False):
            is_before = tuple_(*key) <= tuple_(*(literal(value) for value in keys[-1]))
            count += sql.run(scope, delete(CheckDay).where(is_old, is_before))
    scope.end_read()
    return count
