"""The one place that asks what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Now in UTC, naive as the database keeps it, to the microsecond."""
    return datetime.now(UTC).replace(tzinfo=None)


def iso(moment: datetime) -> str:
    """As the contract writes a time: `2026-03-18T10:00:00`, UTC, no fraction."""
    return moment.replace(microsecond=0, tzinfo=None).isoformat()


def seconds(moment: datetime) -> int:
    """Unix time of a naive UTC moment."""
    return int(moment.replace(tzinfo=UTC).timestamp())
