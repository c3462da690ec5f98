"""How many numbers drifted, and which."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Select,
    func,
    select,
)

from app.models import DriftCheck, Endpoint, Verdict
from app.services.connections import number_health
from app.services.scope import Scope


@dataclass(frozen=True)
class Tally:
    """An organization's drifted numbers, since when, and its pending checks.

    `checked_at`: the time since which every number that was ever checked has been checked again.
    """

    drifted: int = 0
    since: datetime | None = None
    due: int = 0
    checked_at: datetime | None = None


def drifted(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Selects provider and number of each drifted number."""
    return select(DriftCheck.provider, DriftCheck.phone_number).where(
        DriftCheck.organization_id == scope.organization.id, number_health.is_drift()
    )


def with_causes(scope: Scope, causes: Collection[str]) -> Select[*tuple[Any, ...]]:
    """Selects provider and number of each number whose verdict has one of these causes."""
    return select(DriftCheck.provider, DriftCheck.phone_number).where(
        DriftCheck.organization_id == scope.organization.id,
        DriftCheck.verdict.in_([Verdict.UNHEALTHY, Verdict.UNKNOWN]),
        DriftCheck.cause.in_(list(causes)),
    )


def drifted_among(scope: Scope, providers: Collection[str], *, most: int | None = None) -> int:
    """Returns how many numbers of these providers drifted, but at most `most`."""
    some = drifted(scope).where(DriftCheck.provider.in_(providers)).limit(most).subquery()
    return scope.session.scalar(select(func.count()).select_from(some)) or 0


def drifted_providers(scope: Scope) -> set[str]:
    """Returns the keys of the providers with drifted numbers."""
    return set(scope.session.scalars(drifted(scope).with_only_columns(DriftCheck.provider).distinct()))


def of_numbers(scope: Scope, numbers: Collection[str]) -> dict[tuple[str, str], DriftCheck]:
    """Returns the last checks of the numbers, by provider and number."""
    query = scope.select(DriftCheck).where(number_health.among(scope, numbers))
    return {(row.provider, row.phone_number): row for row in scope.session.scalars(query)}


def of_number(scope: Scope, row: Endpoint) -> DriftCheck | None:
    return of_numbers(scope, [row.phone_number]).get((row.provider, row.phone_number))


def tallies(scope: Scope, organization_id: str | None = None) -> dict[str, Tally]:
    """Returns the tallies by organization id, of all or of one, in three queries that use indexes."""
    check = DriftCheck
    drifted = select(check.organization_id, func.count(), func.min(check.since)).where(
        number_health.is_drift()
    )
    due = select(check.organization_id, func.count()).where(check.due)
    oldest = select(check.organization_id, func.min(check.checked_at))
    if organization_id is not None:
        drifted = drifted.where(check.organization_id == organization_id)
        due = due.where(check.organization_id == organization_id)
        oldest = oldest.where(check.organization_id == organization_id)
    by_owner: dict[str, Tally] = {}
    for owner, count, since in scope.session.execute(drifted.group_by(check.organization_id)):
        by_owner[owner] = Tally(drifted=count, since=since)
    for owner, count in scope.session.execute(due.group_by(check.organization_id)):
        by_owner[owner] = replace(by_owner.get(owner, Tally()), due=count)
    for owner, checked_at in scope.session.execute(oldest.group_by(check.organization_id)):
        by_owner[owner] = replace(by_owner.get(owner, Tally()), checked_at=checked_at)
    return by_owner


def tally(scope: Scope) -> Tally:
    own = scope.organization.id
    return tallies(scope, own).get(own, Tally())
