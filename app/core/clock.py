"""The only place that reads the clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

APART = timedelta(minutes=1)
"""How far the clocks of two machines may be apart."""


def now() -> datetime:
    """Now in UTC, naive as the database keeps it, to the microsecond.

    From `time.time`, as the libraries that sign cookies and tokens have it: one clock for all.
    """
    return datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)


def iso(moment: datetime) -> str:
    """As the contract writes a time: `2026-03-18T10:00:00`, UTC, no fraction."""
    return moment.replace(microsecond=0, tzinfo=None).isoformat()


def utc(moment: datetime) -> str:
    """As Patchbay's own operations write a time, with its zone: `2026-03-18T10:00:00Z`."""
    return f"{iso(moment)}Z"


def seconds(moment: datetime) -> int:
    """Unix time of a naive UTC moment."""
    return int(moment.replace(tzinfo=UTC).timestamp())


def ends_of_leases(length: timedelta) -> tuple[datetime, datetime]:
    """After which moment, and until which, a lease of that length ends if it is held now.

    One that ends later was taken by a clock that was ahead: it is void, or it would be held until that time.
    """
    moment = now()
    return moment, moment + length + APART
