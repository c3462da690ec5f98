"""Every organization with its findings, worst first, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app.models import Organization
from app.services.keyset import Page
from app.services.scope import Scope
from app.services.status import facts, findings
from app.services.status.facts import Facts
from app.services.status.findings import Finding, Level

PAGE = 100
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
    def is_untouched(self) -> bool:
        """Whether nothing was ever set up in it."""
        return not (self.facts.connections or self.facts.numbers or self.organization.public_base_url)

    @property
    def numbers(self) -> int:
        return sum(self.facts.numbers.values())

    @property
    def unhealthy(self) -> int:
        """How many numbers are not answered, as far as that is known."""
        return self.drifted + self.facts.blocked

    @property
    def drifted(self) -> int:
        return sum(drifted.count for drifted in self.facts.drifted.values())


ORDERS: dict[str, Callable[[OrganizationStatus], Any]] = {
    "worst": lambda row: (-row.level, -row.unhealthy),
    "drifted": lambda row: -row.drifted,
    "numbers": lambda row: -row.numbers,
    "name": lambda _row: 0,
}
"""What organizations are sorted by; equal ones are by name."""


@dataclass(frozen=True)
class OverviewPage(Page[OrganizationStatus]):
    """Some organizations; the cursors are page numbers, because the order is computed, not stored.

    `matching` counts those that match, `total` all there are, `levels` those with the text, by level.
    """

    number: int = 1
    matching: int = 0
    total: int = 0
    levels: Mapping[Level, int] = field(default_factory=dict)


def page(
    scope: Scope, text: str = "", number: int = 1, *, level: Level | None = None, order: str = "worst"
) -> OverviewPage:
    """Returns one page of the organizations with `text` in their name or slug, sorted by one of `ORDERS`."""
    total = scope.session.scalar(select(func.count()).select_from(Organization)) or 0
    loaded = facts.load(scope, text.strip()[:TEXT_LONGEST])
    every = [OrganizationStatus(each, findings.of(each)) for each in loaded]
    rows = [row for row in every if level is None or row.level == level]
    rows.sort(
        key=lambda row: (ORDERS[order](row), row.organization.name.casefold(), row.organization.id),
    )
    last = max(1, -(-len(rows) // PAGE))
    number = min(max(number, 1), last)
    return OverviewPage(
        rows[(number - 1) * PAGE : number * PAGE],
        number + 1 if number < last else None,
        number - 1 if number > 1 else None,
        number,
        len(rows),
        total,
        Counter(row.level for row in every),
    )
