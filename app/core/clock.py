"""The only place that reads the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

APART = timedelta(minutes=1)
"""How far apart the clocks of two machines may be."""


def now() -> datetime:
    """Returns the current time in UTC: naive, as in the database, to the microsecond.

    It uses `time.time`, as the libraries that sign cookies and tokens do, so that all read the same clock.
    """
    return datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)


def iso(moment: datetime) -> str:
    """Returns a time as the API contract writes it: `2026-03-18T10:00:00`, UTC, no fraction."""
    return moment.replace(microsecond=0, tzinfo=None).isoformat()


def utc(moment: datetime) -> str:
    """Returns a time as Patchbay's own operations write it: `2026-03-18T10:00:00Z`."""
    return f"{iso(moment)}Z"


def seconds(moment: datetime) -> int:
    """Returns the Unix time of a naive UTC moment."""
    return int(moment.replace(tzinfo=UTC).timestamp())


def lease_bounds(length: timedelta) -> tuple[datetime, datetime]:
    """Returns two times: a lease that is held now ends after the first, and by the second.

    A lease that ends later was set by a clock that was ahead: it is void, or it would be held until then.
    """
    moment = now()
    return moment, moment + length + APART
