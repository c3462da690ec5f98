"""Tables as text, the way that spreadsheets write them and read them."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator

FORMULA = frozenset("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
"""A cell that begins with one of these may be computed, and not shown."""

SEPARATORS = ",;\t|"
MOST_LINES = 500_000
MOST_SEPARATORS = 5_000_000
MOST_COLUMNS = 200
"""A text beyond one of these is no table that a person made, and would take seconds to read."""

WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
WINDOWS = "cp1252"

_QUOTED = re.compile('"[^"]*"')
_SAYS_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?(?:\r\n?|\n)', re.IGNORECASE)
_FORCED_TEXT = re.compile('="([^"]*)"')


class Unreadable(ValueError):
    """With a sentence for the person whose file it is."""


def harmless(text: str) -> str:
    """The text behind an apostrophe where a spreadsheet would compute it; `plain` takes that off again."""
    first, second = text[:1], text[1:2]
    is_marked = first == "'" and (second == "'" or second in FORMULA)
    return f"'{text}" if first in FORMULA or is_marked else text


def plain(cell: str) -> str:
    """What `harmless` was given; `="text"`, which forces text in a spreadsheet, is that text."""
    if cell[:1] == "'" and (cell[1:2] == "'" or cell[1:2] in FORMULA):
        return cell[1:]
    forced = _FORCED_TEXT.fullmatch(cell)
    return forced[1] if forced else cell


def visible(text: str) -> str:
    """Removes invisible characters, such as direction marks."""
    if text.isascii():
        return text
    return "".join(character for character in text if unicodedata.category(character) != "Cf").strip()


def lines(table: Iterable[Iterable[str]], *, together: int = 200) -> Iterator[bytes]:
    """UTF-8 with a byte order mark, as RFC 4180 has it, some rows at a time. Every cell is harmless."""
    buffer = io.StringIO("\ufeff")
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer)
    for count, row in enumerate(table, 1):
        writer.writerow([harmless(cell) for cell in row])
        if count % together == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def decode(raw: bytes) -> tuple[str, str]:
    """The text, and the encoding that it was read with. Raises Unreadable."""
    if raw.startswith(WORKBOOKS):
        raise Unreadable("This is a workbook. In the spreadsheet choose “Save as”, and then “CSV UTF-8”.")
    encoding = _encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable("The letters of this file cannot be read. Save it as “CSV UTF-8”.") from None
    if "\0" in text:
        raise Unreadable("The file has NUL characters in it, so it is no table. Save it as “CSV UTF-8”.")
    return text, encoding


def _encoding(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in raw[:2]:
        return "utf-16-be" if raw[:1] == b"\0" else "utf-16-le"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return WINDOWS
    return "utf-8"


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, and the line that it begins in. Raises Unreadable."""
    said = _SAYS_SEPARATOR.match(text)
    body = text[said.end() :] if said else text
    _demand_few(body, "\n\r", MOST_LINES, "lines")
    separator = said[1] if said else _separator(body)
    _demand_few(body, separator, MOST_SEPARATORS, "cells")
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    skipped = 1 if said else 0
    line = 1
    while True:
        line = reader.line_num + skipped + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            if "field limit" in str(error):
                most = csv.field_size_limit()
                raise Unreadable(
                    f"Line {line} has a cell of more than {most:,} characters. Is a quotation mark missing?"
                ) from None
            raise Unreadable(
                f"Line {line} has a quotation mark that is not closed, or text after a closed one. "
                "Write a mark inside a cell twice, and marks around the whole cell."
            ) from None
        if cells is None:
            return
        if len(cells) > MOST_COLUMNS:
            raise Unreadable(f"Line {line} has {len(cells):,} cells. A row can have {MOST_COLUMNS}.")
        if any(cell.strip() for cell in cells):
            yield line, [cell.strip() for cell in cells]


def _demand_few(text: str, characters: str, most: int, what: str) -> None:
    """Counts them all before any of them is read."""
    count = max(map(text.count, characters))
    if count > most:
        raise Unreadable(
            f"The file has {count:,} {what}, and at most {most:,} can be read. Remove empty ones."
        )


def _separator(text: str) -> str:
    """The one that the header has most of."""
    header = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    bare = _QUOTED.sub("", header)
    return max(SEPARATORS, key=bare.count)
