"""Endpoints by filter: matching, counting, streaming."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from app.core import clock, phone, urls
from app.models import DriftCheck, Endpoint, Verdict
from app.services.drift import tallies
from app.services.endpoints import fields, proven, readiness
from app.services.scope import Scope

PAGE_MOST = 1000
COUNT_MOST = 10_000


@dataclass(frozen=True)
class Filter:
    """A filter: text in the searched fields, exact values, only `drifted` or `blocked` endpoints.

    `health`: the verdict on the number, or off if it takes no calls. `causes`: the verdict has one of
    these. `ids`: only these, if there are any. `proven`: see that module.
    """

    text: str = ""
    provider: str | None = None
    is_active: bool | None = None
    agent: str | None = None
    drifted: bool = False
    blocked: bool = False
    health: Verdict | None = None
    proven: bool | None = None
    causes: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def document(base_url: str | None, row: Any) -> dict[str, Any]:
    """Returns an endpoint as the API documents it."""
    return {
        "id": row.id,
        **{name: getattr(row, name) for name in fields.COLUMNS},
        "created_at": clock.iso(row.created_at),
        "inbound_webhook_url": urls.inbound_webhook_url(base_url, row.provider, row.inbound_agent_name),
        "version": row.version,
    }


def documents(
    scope: Scope, rows: Sequence[Any], times: Mapping[str, datetime] | None = None
) -> list[dict[str, Any]]:
    """Returns endpoints as the API documents them, with when their numbers were proven (`times`)."""
    base = scope.organization.public_base_url
    if times is None:
        times = proven.times(scope, [row.id for row in rows])
    return [document(base, row) | {fields.PROVEN_AT: _iso(times.get(row.id))} for row in rows]


def _iso(moment: datetime | None) -> str | None:
    return clock.iso(moment) if moment else None


def matching(scope: Scope, filters: Filter) -> Select[Endpoint]:
    """Selects the organization's endpoints that match the filter, unordered."""
    query = scope.select(Endpoint)
    if filters.text:
        query = query.where(_matches(scope, filters.text))
    if filters.ids:
        query = query.where(Endpoint.id.in_(filters.ids))
    if filters.provider:
        query = query.where(Endpoint.provider == filters.provider)
    if filters.is_active is not None:
        query = query.where(Endpoint.is_active == filters.is_active)
    if filters.agent:
        query = query.where(or_(*(field.column == filters.agent for field in fields.AGENTS)))
    if filters.drifted:
        query = query.where(*_has_check(tallies.drifted(scope)))
    if filters.causes:
        query = query.where(*_has_check(tallies.with_causes(scope, filters.causes)))
    if filters.blocked:
        query = query.where(readiness.load(scope).is_blocked)
    if filters.health:
        query = query.where(_has_health(filters.health))
    if filters.proven is not None:
        is_proven = Endpoint.id.in_(proven.ids())
        query = query.where(is_proven if filters.proven else ~is_proven)
    return query


def _has_health(verdict: Verdict) -> ColumnElement[bool]:
    if verdict is Verdict.OFF:
        return ~Endpoint.takes_calls
    check = _check_of_endpoint().where(DriftCheck.verdict == verdict)
    return and_(Endpoint.takes_calls, check.correlate(Endpoint).exists())


def _has_check(checks: Select[*tuple[Any, ...]]) -> tuple[ColumnElement[bool], ...]:
    """Returns the conditions that an endpoint has one of the checks."""
    own = checks.where(
        DriftCheck.provider == Endpoint.provider, DriftCheck.phone_number == Endpoint.phone_number
    )
    numbers = checks.with_only_columns(DriftCheck.phone_number)
    # IN lets the planner use the index of numbers; EXISTS matches the provider too.
    return Endpoint.phone_number.in_(numbers), own.correlate(Endpoint).exists()


def _matches(scope: Scope, text: str) -> ColumnElement[bool]:
    """Returns the condition that the text is in a searched field, or its digits in the number."""
    texts = (field.column for field in fields.SEARCHED if not field.fixed)
    conditions = [scope.contains(column, text) for column in texts]
    digits = re.sub(r"[\s().\-+/]", "", text)
    if digits.isascii() and digits.isdigit():
        conditions.append(Endpoint.phone_number.contains(digits))
        with suppress(ValueError):
            conditions.append(Endpoint.phone_number == phone.normalize(text, scope.organization.country))
    return or_(*conditions)


def count(scope: Scope, filters: Filter) -> int:
    """Counts matching endpoints, up to one more than `COUNT_MOST`."""
    along_index = matching(scope, filters).order_by(Endpoint.phone_number)
    some = along_index.with_only_columns(Endpoint.phone_number).limit(COUNT_MOST + 1).subquery()
    return scope.session.scalar(select(func.count()).select_from(some)) or 0


def stream(scope: Scope, filters: Filter, *, with_health: bool = False) -> Iterator[dict[str, Any]]:
    """Yields every endpoint by number as a document, a few at a time, to limit memory.

    `with_health` adds the verdict on each number.
    """
    query = matching(scope, filters).order_by(Endpoint.phone_number)
    base = scope.organization.public_base_url
    columns = [*Endpoint.__table__.columns, proven.at().label(fields.PROVEN_AT)]
    columns += [health().label("health")] if with_health else []
    rows = query.with_only_columns(*columns).execution_options(yield_per=500)
    for row in scope.session.execute(rows):
        shown = document(base, row) | {fields.PROVEN_AT: _iso(row.proven_at)}
        yield shown | ({"health": row.health} if with_health else {})


def health() -> ColumnElement[Any]:
    """Returns the verdict on an endpoint's number, in SQL."""
    check = _check_of_endpoint().with_only_columns(DriftCheck.verdict).correlate(Endpoint)
    verdict = func.coalesce(check.scalar_subquery(), str(Verdict.UNKNOWN))
    return case((Endpoint.takes_calls, verdict), else_=str(Verdict.OFF))


def _check_of_endpoint() -> Select[*tuple[Any, ...]]:
    return select(DriftCheck.phone_number).where(
        DriftCheck.organization_id == Endpoint.organization_id,
        DriftCheck.provider == Endpoint.provider,
        DriftCheck.phone_number == Endpoint.phone_number,
    )


def agents(scope: Scope, *, limit: int = 200) -> list[str]:
    """Returns the agent names in use, for suggestions."""
    names: set[str] = set()
    for column in (field.column for field in fields.AGENTS):
        query = select(column).where(Endpoint.organization_id == scope.organization.id, column.is_not(None))
        names |= {name for name in scope.session.scalars(query.distinct().limit(limit)) if name}
    return sorted(names)[:limit]
