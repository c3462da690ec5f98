"""Endpoints as a table in a file: what its columns are, how it is written, how it is read."""

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
from app.services.endpoints import listing
from app.services.endpoints.fields import BY_NAME, COLUMNS, COMPUTED, FIELDS
from app.services.endpoints.listing import Filter
from app.services.progress import OnProgress, ignore
from app.services.scope import Scope

MOST_ROWS = 100_000
TRUE = frozenset({"true", "yes", "1", "on", "wahr", "ja", "vrai", "oui", "verdadero", "sí", "si", "vero"})
FALSE = frozenset({"false", "no", "0", "off", "falsch", "nein", "faux", "non", "falso"})
"""Also as spreadsheets and people write them in German, French, Spanish and Italian."""


@dataclass(frozen=True)
class Row:
    """A row of a file: what it says of a number, by column. `wrong`: why the number is none."""

    line: int
    number: str
    sent: dict[str, Any]
    wrong: str = ""


@dataclass(frozen=True)
class Table:
    """A file that can be read: the column of each cell, and its rows with the line that each begins in."""

    raw: bytes
    names: Sequence[str]
    rows: Sequence[tuple[int, list[str]]]
    notes: Sequence[str]


@dataclass(frozen=True)
class Sheet:
    """What a file says. `notes`: what is to be said of how it was read."""

    rows: Sequence[Row]
    notes: Sequence[str]


def written(scope: Scope, wanted: Filter) -> Iterator[bytes]:
    """Every endpoint that matches, a few at a time: memory does not grow with the rows."""
    return csv_text.lines(_table(scope, wanted))


def _table(scope: Scope, wanted: Filter) -> Iterator[list[str]]:
    names = [*COLUMNS, *COMPUTED]
    yield names
    for document in listing.stream(scope, wanted):
        yield [text_of(document[name]) for name in names]


def text_of(value: Any) -> str:
    """As a cell has it."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def template() -> Iterator[bytes]:
    """The header, and two rows that show what goes into it."""
    return csv_text.lines([COLUMNS, *zip(*(field.examples for field in FIELDS), strict=True)])


def opened(raw: bytes) -> Table:
    """Quick, however long the file is. Raises Invalid where it is no table of endpoints at all."""
    if not raw.strip():
        raise _refused("Choose a file, or paste rows with their header.")
    try:
        text, encoding = csv_text.decode(raw)
        table = csv_text.rows(text)
        _, header = next(table, (0, []))
        names, notes = _columns(header)
        rows = list(islice(table, MOST_ROWS + 1))
    except csv_text.Unreadable as error:
        raise _refused(str(error)) from None
    if len(rows) > MOST_ROWS:
        raise _refused(f"The file has more than {MOST_ROWS:,} rows. Split it, each part with the header.")
    if not rows:
        raise _refused("There is a header, and no row below it.")
    if encoding == csv_text.WINDOWS:
        notes.append("The file is not UTF-8, and was read as Windows-1252: look at letters with accents.")
    return Table(raw, names, rows, notes)


def _refused(*sentences: str) -> Invalid:
    return Invalid([Problem("file", sentence) for sentence in sentences])


def _columns(header: Sequence[str]) -> tuple[list[str], list[str]]:
    """The column of each cell, "" where the header is empty, and what is to be said of them."""
    if not header:
        raise _refused(f"There is nothing in it. The first row names the columns: {', '.join(COLUMNS)}.")
    names = ["_".join(re.split(r"[\s_-]+", csv_text.visible(cell).lower())).strip("_") for cell in header]
    if not any(name in COLUMNS or naming.nearest(name, COLUMNS) for name in names):
        first, known = next(filter(None, header)), ", ".join(COLUMNS)
        raise _refused(f"The first row begins with “{first[:60]}”. It has to name the columns: {known}.")
    problems = [_unknown(cell) for cell, name in zip(header, names, strict=True) if not _is_known(name)]
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    problems += [f"The column {name} is there twice. Remove one." for name in twice]
    if "phone_number" not in names and not problems:
        problems.append("There is no column phone_number. The first row of the file names the columns.")
    if problems:
        raise _refused(*problems[:10])
    notes = []
    if computed := [name for name in COMPUTED if name in names]:
        notes.append(f"Ignored, since it is computed: {', '.join(computed)}.")
    if missing := [name for name in COLUMNS if name not in names]:
        notes.append(f"Not in the file, so it stays as it is stored: {', '.join(missing)}.")
    return names, notes


def _is_known(name: str) -> bool:
    return name in COLUMNS or name in COMPUTED or not name


def _unknown(cell: str) -> str:
    shown = cell[:60]
    if near := naming.nearest("_".join(cell.lower().split()), COLUMNS):
        return f"There is no column “{shown}”. Did you mean {near}?"
    return f"There is no column “{shown}”. Known are: {', '.join(COLUMNS)}."


def read(table: Table, country: str | None, on_progress: OnProgress = ignore) -> Sheet:
    """What the rows say; a number that is none is told in its row."""
    rows: list[Row] = []
    readings: Counter[Reading] = Counter()
    for some in progress.batches(table.rows, "Reading the file", on_progress):
        for line, cells in some:
            row, reading = _row(line, cells, table.names, country)
            rows.append(row)
            readings[reading] += 1
    return Sheet(rows, [*table.notes, *_read_as(readings, country)])


def _row(line: int, cells: list[str], names: Sequence[str], country: str | None) -> tuple[Row, Reading]:
    """A short row has empty cells at its end: some spreadsheets write it so."""
    padded = [*cells, *[""] * (len(names) - len(cells))]
    named = dict(zip(names, padded, strict=False))
    sent = {name: csv_text.plain(cell).strip() for name, cell in named.items() if name in COLUMNS}
    number, reading, wrong = sent.pop("phone_number"), Reading.AS_WRITTEN, ""
    if any(cell for at, cell in enumerate(cells) if at >= len(names) or not names[at]):
        wrong = "This row has a cell that no column of the header is for."
    try:
        number, reading = phone.from_cell(number, country)
    except ValueError as error:
        wrong = wrong or (str(error) if number else "The phone number is missing.")
    return Row(line, number, dict(_values(sent)), wrong), reading


def _values(cells: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """As the API takes them. An empty cell clears a text that may be null, and else says nothing."""
    for name, text in cells.items():
        field = BY_NAME[name]
        if field.is_text and not field.fixed:
            yield name, text or None
        elif word := csv_text.visible(text):
            yield name, word.lower() if field.is_text else _yes_or_no(word)


def _yes_or_no(text: str) -> Any:
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else text


def _read_as(readings: Counter[Reading], country: str | None) -> Iterator[str]:
    if count := readings[Reading.PLUS_LOST]:
        what = "1 number had no plus, and was" if count == 1 else f"{count:,} numbers had no plus, and were"
        yield f"{what} read with the country code that begins it."
    if count := readings[Reading.NATIONAL]:
        what = "1 number has" if count == 1 else f"{count:,} numbers have"
        place = phone.country_names().get(country or "", country)
        yield f"{what} no country code: {place} is assumed, the country of the organization."
