"""The schedule of checks: each connection once in a period, on one machine, spread over the period."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, and_, or_, select, update

from app.core import clock
from app.models import CheckRun, Connection, DriftCheck, ProviderWrite
from app.providers import PROVIDERS
from app.services import lease, sql
from app.services.drift.runs import LEASE
from app.services.scope import Scope

EPOCH = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)

Place = tuple[str, str]
"""The id of an organization, and the key of a provider."""


def request_due(scope: Scope, every: timedelta) -> int:
    """Requests the checks whose time has come, and sets their next time. Returns how many it requested.

    Every process may call it at any time: each check is requested once. A new connection is first checked
    within the period.
    """
    now = clock.now()
    rows = list(scope.session.execute(_reached(now, every)))
    scope.end_read()
    if not rows:
        return 0
    with scope.transaction(lock=False):
        return sum(_request(scope, (owner, key), at, now, every) for owner, key, at in rows)


def _reached(now: datetime, every: timedelta) -> Select[*tuple[str, str, datetime | None]]:
    """Selects the enabled connections whose next check has no time or one in the past.

    A time beyond the period was set with a longer period, or by a clock that was ahead: it counts as reached.
    """
    is_same = and_(
        CheckRun.organization_id == Connection.organization_id, CheckRun.provider == Connection.provider
    )
    next_at = CheckRun.next_at
    return (
        select(Connection.organization_id, Connection.provider, next_at)
        .outerjoin(CheckRun, is_same)
        .where(
            Connection.enabled,
            Connection.provider.in_(PROVIDERS),
            or_(next_at.is_(None), next_at <= now, next_at > now + every + clock.APART),
        )
        .order_by(Connection.organization_id, Connection.provider)
    )


def _request(scope: Scope, place: Place, at: datetime | None, now: datetime, every: timedelta) -> bool:
    """Sets the next time of a check. Returns whether this process requested the check.

    Another process may have done so meanwhile. The last failure is cleared, since `waiting` skips failed
    runs.
    """
    owner, key = place
    if at is None:
        values = {"organization_id": owner, "provider": key, "due": False, "done": 0, "total": 0}
        sql.run(scope, sql.upsert(scope, CheckRun).values(values))
    is_reached = at is not None and at <= now
    new = {"next_at": next_time(place, now, every)} | ({"due": True, "failure": None} if is_reached else {})
    own = (CheckRun.organization_id == owner, CheckRun.provider == key)
    is_unchanged = CheckRun.next_at.is_not_distinct_from(at)
    is_first = sql.run(scope, update(CheckRun).where(*own, is_unchanged).values(new)) == 1
    return is_first and is_reached


def next_time(place: Place, now: datetime, every: timedelta) -> datetime:
    """Returns the time of the next check after `now`. Each place has its own second of the period."""
    period = int(every.total_seconds())
    offset = int.from_bytes(hashlib.sha256(":".join(place).encode()).digest()[:8]) % period
    begun = (int((now - EPOCH).total_seconds()) - offset) // period
    return EPOCH + timedelta(seconds=(begun + 1) * period + offset)


def waiting(scope: Scope, *, has_failed: bool = False) -> list[Place]:
    """Returns the places with a pending check that no process is running.

    Places whose last run failed wait for their next scheduled time, and are included only with
    `has_failed`.
    """
    pending = (
        select(DriftCheck.organization_id, DriftCheck.provider)
        .where(DriftCheck.due)
        .union(
            select(CheckRun.organization_id, CheckRun.provider).where(CheckRun.due),
            select(ProviderWrite.organization_id, ProviderWrite.provider),
        )
        .subquery()
    )
    run = and_(CheckRun.organization_id == pending.c.organization_id, CheckRun.provider == pending.c.provider)
    is_running = and_(CheckRun.finished_at.is_(None), lease.held_condition(CheckRun.leased_until, LEASE))
    query = (
        select(pending.c.organization_id, pending.c.provider)
        .outerjoin(CheckRun, run)
        .where(pending.c.provider.in_(PROVIDERS), or_(CheckRun.leased_until.is_(None), ~is_running))
        .order_by(pending.c.organization_id, pending.c.provider)
    )
    if not has_failed:
        query = query.where(CheckRun.failure.is_(None))
    return [(row[0], row[1]) for row in scope.session.execute(query)]
