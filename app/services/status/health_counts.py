"""How many numbers and connections have each verdict, in every organization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from app.models import DriftCheck, HealthTransition, Organization
from app.services.connections import transitions
from app.services.scope import Scope


@dataclass(frozen=True)
class Count:
    """So many numbers, or connections, of an organization have this verdict."""

    slug: str
    verdict: str
    count: int


def of_numbers(scope: Scope) -> Iterator[Count]:
    """Counts the numbers that are expected to take calls."""
    check = DriftCheck
    query = select(Organization.slug, check.verdict, func.count()).where(
        check.organization_id == Organization.id, check.verdict.is_not(None)
    )
    return _counts(scope, query.group_by(Organization.id, check.verdict))


def of_connections(scope: Scope) -> Iterator[Count]:
    """Counts connections by their last transition."""
    last = HealthTransition
    of_connection = last.phone_number == transitions.CONNECTION
    newest = select(func.max(last.id)).where(of_connection).group_by(last.organization_id, last.provider)
    query = select(Organization.slug, last.now, func.count()).where(
        last.organization_id == Organization.id, last.id.in_(newest)
    )
    return _counts(scope, query.group_by(Organization.id, last.now))


def _counts(scope: Scope, query: Any) -> Iterator[Count]:
    for row in scope.session.execute(query):
        yield Count(*row)
