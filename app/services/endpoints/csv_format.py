"""Endpoints as a CSV file: its columns, writing it, reading it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from app.core import csv_text, naming, phone
from app.core.errors import Invalid, Problem
from app.core.phone import Reading
from app.services import progress
from app.services.endpoints import listing, messages
from app.services.endpoints.fields import BY_NAME, COLUMNS, COMPUTED, FIELDS, PROVEN_AT
from app.services.endpoints.listing import Filter
from app.services.progress import OnProgress, ignore
from app.services.scope import Scope

MOST_ROWS = 100_000
READ_ONLY = (*COMPUTED, "health", PROVEN_AT)
"""Columns that are written, and ignored when a file is read."""

TRUE = frozenset({"true", "yes", "1", "on", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "si", "vero"})
FALSE = frozenset({"false", "no", "0", "off", "falsch", "nein", "faux", "non", "falso"})
"""Includes the words of German, French, Spanish and Italian spreadsheets."""


@dataclass(frozen=True)
class Row:
    """A row of a file: its cells by column. `wrong` is the problem with its number, if there is one."""

    line: int
    number: str
    submitted: dict[str, Any]
    wrong: str = ""


@dataclass(frozen=True)
class Table:
    """A readable file: the column of each cell, and the rows with the line in which each starts."""

    raw: bytes
    names: Sequence[str]
    rows: Sequence[tuple[int, list[str]]]
    notes: Sequence[str]


@dataclass(frozen=True)
class Sheet:
    """The rows of a file. `notes` are sentences about how it was read."""

    rows: Sequence[Row]
    notes: Sequence[str]


def written(scope: Scope, filters: Filter) -> Iterator[bytes]:
    """Yields matching endpoints a few at a time, so that memory does not grow with the rows."""
    return csv_text.lines(_table(scope, filters))


def _table(scope: Scope, filters: Filter) -> Iterator[list[str]]:
    names = [*COLUMNS, *READ_ONLY]
    yield names
    for document in listing.stream(scope, filters, with_health=True):
        yield [text_of(document[name]) for name in names]


def text_of(value: Any) -> str:
    """Returns a value as the text of a cell."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def template() -> Iterator[bytes]:
    """Yields the header, and two sample rows."""
    return csv_text.lines([COLUMNS, *zip(*(field.examples for field in FIELDS), strict=True)])


def open_table(raw: bytes) -> Table:
    """Reads the header, quickly for any length of file.

    Raises Invalid if it is not a table of endpoints.
    """
    if not raw.strip():
        raise _invalid(messages.NO_FILE)
    try:
        text, encoding = csv_text.decode(raw)
        table = csv_text.rows(text)
        _, header = next(table, (0, []))
        names, notes = _columns(header)
        rows = list(islice(table, MOST_ROWS + 1))
    except csv_text.Unreadable as error:
        raise _invalid(str(error)) from None
    if len(rows) > MOST_ROWS:
        raise _invalid(messages.too_many_rows(MOST_ROWS))
    if not rows:
        raise _invalid(messages.NO_ROWS)
    if encoding == csv_text.WINDOWS:
        notes.append(messages.NOT_UTF8)
    return Table(raw, names, rows, notes)


def _invalid(*sentences: str) -> Invalid:
    return Invalid([Problem("file", sentence) for sentence in sentences])


def _columns(header: Sequence[str]) -> tuple[list[str], list[str]]:
    """Returns the column of each cell ("" for an empty header), and notes about them."""
    if not header:
        raise _invalid(messages.empty_header(COLUMNS))
    names = ["_".join(re.split(r"[\s_-]+", csv_text.visible(cell).lower())).strip("_") for cell in header]
    if not any(name in COLUMNS or naming.nearest(name, COLUMNS) for name in names):
        raise _invalid(messages.no_header(next(filter(None, header))[:60], COLUMNS))
    problems = [_unknown(cell) for cell, name in zip(header, names, strict=True) if not _is_known(name)]
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    problems += [messages.repeated_column(name) for name in twice]
    if "phone_number" not in names and not problems:
        problems.append(messages.NO_NUMBER_COLUMN)
    if problems:
        raise _invalid(*problems[:10])
    notes = []
    if computed := [name for name in READ_ONLY if name in names]:
        notes.append(messages.computed_columns(computed))
    if missing := [name for name in COLUMNS if name not in names]:
        notes.append(messages.missing_columns(missing))
    return names, notes


def _is_known(name: str) -> bool:
    return name in COLUMNS or name in READ_ONLY or not name


def _unknown(cell: str) -> str:
    near = naming.nearest("_".join(cell.lower().split()), COLUMNS)
    return messages.unknown_column(cell[:60], COLUMNS, near)


def read(table: Table, country: str | None, on_progress: OnProgress = ignore) -> Sheet:
    """Reads the rows. A row whose number cannot be read has the problem in `wrong`."""
    rows: list[Row] = []
    readings: Counter[Reading] = Counter()
    for some in progress.batches(table.rows, messages.READING_FILE, on_progress):
        for line, cells in some:
            row, reading = _row(line, cells, table.names, country)
            rows.append(row)
            readings[reading] += 1
    return Sheet(rows, [*table.notes, *_reading_notes(readings, country)])


def _row(line: int, cells: list[str], names: Sequence[str], country: str | None) -> tuple[Row, Reading]:
    """Returns a row, and how its number was read. Missing cells at the end are empty.

    Some spreadsheets omit them.
    """
    padded = [*cells, *[""] * (len(names) - len(cells))]
    named = dict(zip(names, padded, strict=False))
    texts = {name: csv_text.plain(cell).strip() for name, cell in named.items() if name in COLUMNS}
    number, reading, wrong = texts.pop("phone_number"), Reading.AS_WRITTEN, ""
    if any(cell for at, cell in enumerate(cells) if at >= len(names) or not names[at]):
        wrong = messages.EXTRA_CELL
    try:
        number, reading = phone.from_cell(number, country)
    except ValueError as error:
        wrong = wrong or (str(error) if number else messages.NO_NUMBER)
    return Row(line, number, dict(_values(texts)), wrong), reading


def _values(cells: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Yields values as the API accepts them.

    An empty cell clears a text that may be null; for other fields, it is the same as no cell.
    """
    for name, text in cells.items():
        field = BY_NAME[name]
        if field.is_text and not field.fixed:
            yield name, text or None
        elif word := csv_text.visible(text):
            yield name, word.lower() if field.is_text else _yes_or_no(word)


def _yes_or_no(text: str) -> Any:
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else text


def _reading_notes(readings: Counter[Reading], country: str | None) -> Iterator[str]:
    if count := readings[Reading.PLUS_LOST]:
        yield messages.plus_added(count)
    if count := readings[Reading.NATIONAL]:
        yield messages.country_assumed(count, phone.country_names().get(country or "", country))
