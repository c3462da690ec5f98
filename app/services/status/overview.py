"""All organizations with their findings, in pages: those with most failing numbers first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import func, select

from app.models import Organization
from app.provider import Family
from app.services.keyset import Page
from app.services.scope import Scope
from app.services.status import facts, findings, setup
from app.services.status.facts import Facts
from app.services.status.findings import Finding, Level
from app.services.status.setup import Setup

PAGE = 100
MOST_NEW = 20
"""How many organizations without a setup are listed below the table."""

TEXT_LONGEST = 100


@dataclass(frozen=True)
class OrganizationStatus:
    """One organization, with its findings, worst first."""

    facts: Facts
    findings: list[Finding]

    @property
    def organization(self) -> Organization:
        return self.facts.organization

    @property
    def level(self) -> Level:
        return max((finding.level for finding in self.findings), default=Level.FINE)

    @property
    def is_new(self) -> bool:
        """Whether nothing depends on it yet: it has no numbers and no default providers."""
        own_facts = self.facts
        return not (
            own_facts.live or own_facts.expected or any(own_facts.active(family) for family in Family)
        )

    @cached_property
    def setup(self) -> Setup:
        return setup.of_facts(self.facts)


@dataclass(frozen=True)
class Sums:
    """The sums over every organization; the names are those of `Facts`."""

    live: int
    answered: int
    expected: int
    unhealthy: int
    all_drifted: int
    blocked: int
    unchecked: int
    unverified: int
    calls: int
    calls_before: int
    checked_at: datetime | None
    check_failure: str | None

    @classmethod
    def of(cls, every: Iterable[Facts]) -> Sums:
        all_facts = list(every)
        counts = {
            name: sum(getattr(each, name) for each in all_facts)
            for name, kind in cls.__annotations__.items()
            if kind == "int"
        }
        return cls(
            **counts,
            checked_at=max((each.checked_at for each in all_facts if each.checked_at), default=None),
            check_failure=next((each.check_failure for each in all_facts if each.check_failure), None),
        )


ORDERS: dict[str, Callable[[OrganizationStatus], Any]] = {
    "worst": lambda row: (row.is_new, -row.facts.unhealthy, -row.level, -row.facts.calls),
    "drifted": lambda row: -row.facts.all_drifted,
    "numbers": lambda row: -row.facts.live,
    "name": lambda _row: 0,
}
"""The sort keys of the list. Equal organizations are sorted by name."""


@dataclass(frozen=True)
class OverviewFilter:
    """The filter and order of the list.

    By default, it lists all organizations, with the new ones separately.
    """

    text: str = ""
    level: Level | None = None
    only_new: bool = False
    order: str = "worst"

    @property
    def is_everything(self) -> bool:
        return self == OverviewFilter()


@dataclass(frozen=True)
class OverviewPage(Page[OrganizationStatus]):
    """A page of organizations. The cursors are page numbers, because the order is computed, not stored.

    `matching` counts the organizations of the filter, `total` all, `levels` those with the text by level,
    without new ones. `new` are the first new ones, to list below the table, and `all_new` counts them.
    `sums` are over all organizations; None if a text is searched.
    """

    number: int = 1
    matching: int = 0
    total: int = 0
    levels: Mapping[Level, int] = field(default_factory=dict)
    new: list[OrganizationStatus] = field(default_factory=list)
    all_new: int = 0
    sums: Sums | None = None


EVERYTHING = OverviewFilter()


def page(scope: Scope, filters: OverviewFilter = EVERYTHING, number: int = 1) -> OverviewPage:
    """Returns one page of the organizations, sorted by one of `ORDERS`."""
    total = scope.session.scalar(select(func.count()).select_from(Organization)) or 0
    loaded = facts.load(scope, filters.text)
    every = [OrganizationStatus(each, findings.of(each)) for each in loaded]
    order = ORDERS[filters.order]
    every.sort(key=lambda row: (order(row), row.organization.name.casefold(), row.organization.id))
    new = [row for row in every if row.is_new]
    rows = _matching(every, filters)
    last = max(1, -(-len(rows) // PAGE))
    number = min(max(number, 1), last)
    return OverviewPage(
        rows[(number - 1) * PAGE : number * PAGE],
        number + 1 if number < last else None,
        number - 1 if number > 1 else None,
        number,
        len(rows),
        total,
        Counter(row.level for row in every if not row.is_new),
        new[:MOST_NEW] if filters.is_everything and number == last else [],
        len(new),
        None if filters.text else Sums.of(loaded),
    )


def _matching(every: list[OrganizationStatus], filters: OverviewFilter) -> list[OrganizationStatus]:
    if filters.only_new:
        return [row for row in every if row.is_new]
    if filters.level is not None:
        return [row for row in every if row.level == filters.level and not row.is_new]
    return [row for row in every if not row.is_new] if filters.is_everything else every
