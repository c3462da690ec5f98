"""Days as people and addresses write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo


def parse(text: str) -> date:
    """Returns a date that is written YYYY-MM-DD. Raises ValueError for other forms of ISO 8601 too."""
    found = date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(text)
    return found


def start(day: date, zone: tzinfo) -> datetime:
    """Returns when the day starts in the zone, in UTC."""
    return _in_utc(datetime.combine(day, time.min), zone)


def end(day: date, zone: tzinfo) -> datetime:
    """Returns the last moment of the day in the zone, in UTC."""
    return _in_utc(datetime.combine(day, time.max), zone)


def _in_utc(moment: datetime, zone: tzinfo) -> datetime:
    """Unchanged at the first and last day that there is."""
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return moment
