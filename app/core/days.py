"""Calendar days: their ISO form, and their first and last moment in a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo


def parse(text: str) -> date:
    """Returns the date of a text YYYY-MM-DD. Raises ValueError for other forms of ISO 8601 too."""
    parsed = date.fromisoformat(text)
    if parsed.isoformat() != text:
        raise ValueError(text)
    return parsed


def start(day: date, zone: tzinfo) -> datetime:
    """Returns when the day starts in the zone, in UTC."""
    return _in_utc(datetime.combine(day, time.min), zone)


def end(day: date, zone: tzinfo) -> datetime:
    """Returns the last moment of the day in the zone, in UTC."""
    return _in_utc(datetime.combine(day, time.max), zone)


def _in_utc(moment: datetime, zone: tzinfo) -> datetime:
    """Returns the moment in UTC, or unchanged if UTC has no such moment: at the first and last day."""
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return moment
