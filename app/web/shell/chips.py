"""The chips above a filtered list: one for each part of the filter, with a link that removes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from flask import request

from app.web.shell import figures

Part = tuple[str, str, str | None]
"""A parameter, its label, and the value in words."""


@dataclass(frozen=True)
class Chip:
    """A part of the filter that is set: its parameter, label and value, and the query without it."""

    name: str
    label: str
    value: str
    query: str


def days(since: date | None, until: date | None) -> list[Part]:
    """Returns the parts of a filter by date."""
    words = [figures.plain_day(day) if day else None for day in (since, until)]
    return [("from", "From", words[0]), ("to", "To", words[1])]


def of_request(names: Iterable[str], parts: Iterable[Part]) -> Iterator[Chip]:
    """Yields a chip for each of `parts` that is set; `names` are all parameters of the filter."""
    arguments = [(name, value) for name in names for value in request.args.getlist(name) if value]
    for name, label, value in parts:
        if value:
            yield Chip(name, label, value, urlencode([one for one in arguments if one[0] != name]))
