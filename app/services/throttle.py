"""How often something may fail, counted in the database so that every process counts the same."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from app.core import clock
from app.core.errors import TooMany
from app.models import Throttle
from app.services.scope import Scope

MISSES = 10
WINDOW = timedelta(minutes=15)


def key(what: str, who: str) -> str:
    return f"{what}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"


def refuse_if_exhausted(scope: Scope, throttle_key: str, *, most: int = MISSES) -> None:
    """TooMany, with the seconds to wait, once there were `most` within `WINDOW`."""
    row = scope.session.get(Throttle, throttle_key)
    if row is None or row.count < most:
        return
    left = row.window_started_at + WINDOW - clock.now()
    if left > timedelta(0):
        minutes = max(1, round(left.total_seconds() / 60))
        message = f"Too many tries. Wait {minutes} minute{'s' if minutes > 1 else ''}, then try again."
        raise TooMany(message, retry_after=max(1, int(left.total_seconds())))


def miss(scope: Scope, throttle_key: str) -> None:
    """Counts one more. Inside a transaction only."""
    now = clock.now()
    _make_row(scope, throttle_key, now)
    row = scope.session.get_one(Throttle, throttle_key, with_for_update=True)
    if row.window_started_at + WINDOW <= now:
        row.count, row.window_started_at = 1, now
    else:
        row.count += 1


def _make_row(scope: Scope, throttle_key: str, now: datetime) -> None:
    """Two first misses may come at once."""
    insert = postgresql.insert if scope.is_postgresql else sqlite.insert
    row = {"key": throttle_key, "count": 0, "window_started_at": now}
    scope.session.execute(insert(Throttle).values(row).on_conflict_do_nothing())


def sweep(scope: Scope) -> None:
    """Forgets what is no longer counted. Inside a transaction only."""
    scope.session.execute(delete(Throttle).where(Throttle.window_started_at < clock.now() - WINDOW))


def clear(scope: Scope, throttle_key: str) -> None:
    """Inside a transaction only."""
    scope.session.execute(delete(Throttle).where(Throttle.key == throttle_key))
