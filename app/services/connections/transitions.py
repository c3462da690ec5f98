"""The history of verdicts on numbers and connections, written in the transactions that change them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, and_, delete, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.models import Connection, DriftCheck, HealthTransition, Verdict
from app.services import sql
from app.services.scope import Scope

KEPT = timedelta(days=90)
"""How long transitions are retained. A subject's last older one stays too: it is the state at that time.

All old transitions of a removed subject are deleted.
"""

BATCH = 1000
"""How many rows one transaction deletes: it blocks other writers meanwhile."""

CONNECTION = ""
"""The phone number in the transitions of a connection."""


def of_connections(scope: Scope) -> dict[str, HealthTransition]:
    """Returns the last transition of each of the organization's connections, by provider key."""
    row = HealthTransition
    own = (row.organization_id == scope.organization.id, row.phone_number == CONNECTION)
    newest = select(func.max(row.id)).where(*own).group_by(row.provider)
    return {row.provider: row for row in scope.session.scalars(select(row).where(row.id.in_(newest)))}


def add(
    scope: Scope, provider: str, before: HealthTransition | None, now: Verdict, reason: str | None
) -> None:
    """Adds a connection's transition in the open transaction, if verdict or reason has changed."""
    was = before.now if before else Verdict.OFF
    if was == now and (before is None or before.reason == reason):
        return
    at = clock.now()
    since = before.since if before else None
    if now is Verdict.UNHEALTHY:
        since = since or at
    elif now is not Verdict.UNKNOWN:
        since = None
    row = HealthTransition(provider=provider, phone_number=CONNECTION, was=was, now=now, reason=reason)
    row.organization_id, row.since, row.at = scope.organization.id, since, at
    row.ended_since = before.since if before and since is None else None
    scope.session.add(row)


def newest_id(scope: Scope) -> int:
    """Returns the id of the organization's last transition; 0 if there is none."""
    query = select(func.max(HealthTransition.id))
    return scope.session.scalar(query.where(HealthTransition.organization_id == scope.organization.id)) or 0


def after(scope: Scope, transition_id: int, *, limit: int) -> list[HealthTransition]:
    """Returns the organization's transitions with a higher id, oldest first."""
    query = scope.select(HealthTransition).where(HealthTransition.id > transition_id)
    return list(scope.session.scalars(query.order_by(HealthTransition.id).limit(limit)))


def of_subject(
    scope: Scope, provider: str, phone_number: str = CONNECTION, *, start: datetime
) -> list[HealthTransition]:
    """Returns the transitions of one subject since `start`, preceded by the last one before that."""
    row = HealthTransition
    own = scope.select(row).where(row.provider == provider, row.phone_number == phone_number)
    newest = (row.at.desc(), row.id.desc())
    before = scope.session.scalars(own.where(row.at < start).order_by(*newest).limit(1))
    later = scope.session.scalars(own.where(row.at >= start).order_by(row.at, row.id))
    return [*before, *later]


def sweep(scope: Scope) -> int:
    """Deletes every organization's transitions that are no longer retained, in batches.

    Returns how many.
    """
    ids = list(scope.session.scalars(_expired_ids()))
    scope.end_read()
    for start in range(0, len(ids), BATCH):
        batch = HealthTransition.id.in_(ids[start : start + BATCH])
        with scope.transaction(lock=False):
            sql.run(scope, delete(HealthTransition).where(batch))
    return len(ids)


def _expired_ids() -> Select[int]:
    row, newer = HealthTransition, aliased(HealthTransition)
    end = clock.now() - KEPT
    is_replaced = exists().where(
        newer.organization_id == row.organization_id,
        newer.phone_number == row.phone_number,
        newer.provider == row.provider,
        newer.at < end,
        or_(newer.at > row.at, (newer.at == row.at) & (newer.id > row.id)),
    )
    is_number = exists().where(
        DriftCheck.organization_id == row.organization_id,
        DriftCheck.provider == row.provider,
        DriftCheck.phone_number == row.phone_number,
    )
    is_connection = exists().where(
        row.phone_number == CONNECTION,
        Connection.organization_id == row.organization_id,
        Connection.provider == row.provider,
    )
    is_removed = and_(row.now == Verdict.OFF, ~is_number, ~is_connection)
    return select(row.id).where(row.at < end, or_(is_replaced, is_removed)).order_by(row.id)
