"""Rate limits, counted in the database so that every process counts the same.

An attempt is counted before it is checked, in one statement: concurrent attempts cannot all pass the check.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from sqlalchemy import case, delete, or_, select, update

from app.core import clock
from app.core.errors import TooMany
from app.models import Throttle
from app.services import messages, sql
from app.services.scope import Scope

MOST = 10
"""The default count of attempts that a limit permits."""

WINDOW = timedelta(minutes=15)
"""The time in which attempts are counted. It begins with the first one."""

SWEPT_ONCE_IN = 100
"""On average, one in this many calls of `consume` deletes expired counts."""

TALLY = "tally:"
"""The prefix of the keys of tallies."""

RECORDED_EVERY = timedelta(hours=1)
"""The time between two records of one tally."""

KEPT = timedelta(days=30)
"""How long a tally is retained after its last record."""


@dataclass(frozen=True)
class Limit:
    """At most `most` attempts under one key within `WINDOW`."""

    key: str
    most: int = MOST


def key(what: str, *of: str) -> str:
    """Returns a key of `what` and the hashed values.

    Keys that begin with the same values have the same prefix.
    """
    return ":".join([what, *(hashlib.sha256(value.encode()).hexdigest()[:32] for value in of)])


def expect_room(scope: Scope, *limits: Limit) -> None:
    """Raises TooMany, with the seconds to wait, if a limit is reached. Reads only."""
    now = clock.now()
    most = {limit.key: limit.most for limit in limits}
    columns = select(Throttle.key, Throttle.count, Throttle.window_started_at)
    rows = scope.session.execute(columns.where(Throttle.key.in_(most))).all()
    if any(started_at > now + clock.APART for _, _, started_at in rows):
        _restart_windows_ahead(scope, now)
    for throttle_key, counted, started_at in rows:
        if counted >= most[throttle_key] and started_at + WINDOW > now:
            _refuse(throttle_key, started_at, now)


def _restart_windows_ahead(scope: Scope, now: datetime) -> None:
    """Starts all windows that lie ahead now, with their counts: the clock was set back."""
    ahead = Throttle.window_started_at > now
    with scope.transaction(lock=False):
        scope.session.execute(update(Throttle).where(ahead).values(window_started_at=now))


def consume(scope: Scope, *limits: Limit) -> None:
    """Counts an attempt under every limit, in a transaction. Raises TooMany if one is reached."""
    expect_room(scope, *limits)
    with scope.transaction(lock=False):
        for limit in sorted(limits, key=lambda limit: limit.key):
            while not count(scope, limit):
                throttle = scope.session.get(Throttle, limit.key)
                if throttle is not None:  # Otherwise another transaction has just cleared it: count again.
                    _refuse(limit.key, throttle.window_started_at, clock.now())
        if secrets.randbelow(SWEPT_ONCE_IN) == 0:
            sweep(scope)


def count(scope: Scope, limit: Limit) -> bool:
    """Counts an attempt and returns True; if the limit is reached, only returns False."""
    scope.require_transaction()
    now = clock.now()
    is_over = Throttle.window_started_at <= now - WINDOW
    changes = {
        "count": case((is_over, 1), else_=Throttle.count + 1),
        "window_started_at": case((is_over, now), else_=Throttle.window_started_at),
    }
    upsert = sql.upsert(scope, Throttle, changes, where=or_(is_over, Throttle.count < limit.most))
    counted = upsert.values(key=limit.key, count=1, window_started_at=now).returning(Throttle.count)
    return scope.session.scalar(counted) is not None


def _refuse(key: str, started_at: datetime, now: datetime) -> NoReturn:
    remaining = min(max(started_at + WINDOW - now, timedelta(seconds=1)), WINDOW)
    minutes = max(1, round(remaining.total_seconds() / 60))
    raise TooMany(messages.too_many_attempts(minutes), int(remaining.total_seconds()), key)


def uncount(scope: Scope, own: Limit, *shared: Limit) -> None:
    """Clears the client's own limit after a success, and subtracts the attempt from shared limits.

    It locks the rows in the order of `consume`, so that the two cannot deadlock.
    """
    scope.require_transaction()
    for limit in sorted((own, *shared), key=lambda limit: limit.key):
        if limit == own:
            clear(scope, own)
        else:
            row = (Throttle.key == limit.key) & (Throttle.count > 0)
            scope.session.execute(update(Throttle).where(row).values(count=Throttle.count - 1))


def clear(scope: Scope, limit: Limit) -> None:
    scope.require_transaction()
    scope.session.execute(delete(Throttle).where(Throttle.key == limit.key))


def clear_beginning_with(scope: Scope, keys: Sequence[str]) -> None:
    """Clears every count whose key is one of `keys` or begins with one of them and a colon."""
    scope.require_transaction()
    beginnings = [Throttle.key.startswith(f"{each}:") for each in keys]
    scope.session.execute(delete(Throttle).where(or_(Throttle.key.in_(keys), *beginnings)))


def sweep(scope: Scope) -> None:
    """Deletes expired counts, except rows that another transaction has locked."""
    scope.require_transaction()
    now, is_tally = clock.now(), Throttle.key.startswith(TALLY)
    over = or_(
        ~is_tally & (Throttle.window_started_at < now - WINDOW),
        is_tally & (Throttle.window_started_at < now - KEPT),
    )
    free = select(Throttle.key).where(over).with_for_update(skip_locked=True)
    scope.session.execute(delete(Throttle).where(Throttle.key.in_(free)))


def was_recorded(scope: Scope, what: str, *of: str) -> bool:
    """Whether `tally` returned a count for this event within the last hour. Reads only."""
    tally_key = key(f"{TALLY}{what}", *of)
    query = select(Throttle.window_started_at).where(Throttle.key == tally_key)
    recorded_at = scope.session.scalar(query)
    return recorded_at is not None and abs(clock.now() - recorded_at) < RECORDED_EVERY


def tally(scope: Scope, what: str, *of: str) -> int:
    """Counts an event that is too frequent to record each, and returns the count to record now.

    The count includes this event and all since the last record. 0 means that the last record is less than
    `RECORDED_EVERY` old.
    """
    scope.require_transaction()
    now, tally_key = clock.now(), key(f"{TALLY}{what}", *of)
    upsert = sql.upsert(scope, Throttle, {"count": Throttle.count + 1})
    counted = upsert.values(key=tally_key, count=0, window_started_at=now)
    result = scope.session.execute(counted.returning(Throttle.count, Throttle.window_started_at))
    count, recorded_at = result.one()
    if count == 0:
        return 1
    if abs(now - recorded_at) < RECORDED_EVERY:
        return 0
    fresh = {"count": 0, "window_started_at": now}
    scope.session.execute(update(Throttle).where(Throttle.key == tally_key).values(fresh))
    return int(count)


def end_tally(scope: Scope, what: str, *of: str) -> int:
    """Clears the tally of an event, and returns the count that was not yet recorded."""
    scope.require_transaction()
    tally_key = key(f"{TALLY}{what}", *of)
    deleted = delete(Throttle).where(Throttle.key == tally_key).returning(Throttle.count)
    return scope.session.scalar(deleted) or 0
