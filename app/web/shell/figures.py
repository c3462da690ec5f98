"""Formats numbers, dates and durations for templates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from markupsafe import Markup

from app.core import clock
from app.services.connections.check_days import Day

NONE = Markup('<span aria-hidden="true">—</span><span class="visually-hidden">none</span>')


def percent_of(part: int, whole: int) -> str | Markup:
    """Returns the rounded percentage; 0 and 100 only for none and all. A dash if the whole is 0."""
    if not whole:
        return NONE
    percent = round(100 * part / whole)
    if 0 < part < whole:
        percent = min(max(percent, 1), 99)
    return f"{percent}%"


def sum_of(counts: Mapping[Any, int]) -> int:
    return sum(counts.values())


def plain_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def plain_weekday(day: date) -> str:
    return f"{day:%A}, {plain_day(day)}"


def span(length: timedelta) -> str:
    """Returns a duration in its two largest units: "42 min", "2 h 18 min", "3 d 4 h"."""
    minutes = max(round(length.total_seconds() / 60), 0)
    hours, days = minutes // 60, minutes // 1440
    if not minutes:
        return "under 1 min"
    if not hours:
        return f"{minutes} min"
    large, small = (f"{days} d", f"{hours % 24} h") if days else (f"{hours} h", f"{minutes % 60} min")
    return large if small.startswith("0 ") else f"{large} {small}"


def age(moment: datetime) -> str:
    """Returns how long ago it was, in the largest unit that fits: "5 min", "3 h", "12 d"."""
    minutes = int((clock.now() - moment).total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 1)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


CELL, STRIP_HEIGHT = 5, 16
"""The width of one day of a strip, with the gap after it, and the strip's height, in pixels."""


def strip_lines(days: Iterable[Day]) -> Iterator[tuple[str, int, str]]:
    """Yields the kind, height and path of each line of a strip; CSS cuts the lines into days.

    All days that look the same share one path, because a table has many strips.
    """
    places: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for place, day in enumerate(days):
        for cell in _cells(day):
            places[cell].append(place)
    for (kind, top, height), cell_places in places.items():
        runs = "".join(
            f"M{start * CELL} {top + height / 2:g}h{length * CELL}" for start, length in _runs(cell_places)
        )
        yield kind, height, runs


def _runs(places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yields the first index and the length of each run of successive days."""
    for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
        first, *rest = (place for _, place in run)
        yield first, 1 + len(rest)


def _cells(day: Day) -> Iterator[tuple[str, int, int]]:
    """Yields the kind, top and height of the parts of a day.

    Failed checks are drawn taller than passed ones.
    """
    if not day.checks:
        yield "none", STRIP_HEIGHT - 2, 2
        return
    rest, top = "ok" if day.healthy else "idle", 5
    if day.unhealthy:
        bad = max(round(STRIP_HEIGHT * day.unhealthy / day.checks), 6)
        yield "bad", 0, bad
        top = bad + 1
    if day.unhealthy < day.checks and top < STRIP_HEIGHT:
        yield rest, top, STRIP_HEIGHT - top
