"""CSV as spreadsheets write and read it."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator

FORMULA = frozenset("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")
"""Spreadsheets may evaluate a cell that starts with one of these."""

SEPARATORS = ",;\t|"
MOST_LINES = 500_000
MOST_SEPARATORS = 5_000_000
MOST_COLUMNS = 200
"""Limits: a file above them is not a table that people made, and takes seconds to read."""

WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
WINDOWS = "cp1252"

_QUOTED = re.compile('"[^"]*"')
_SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?(?:\r\n?|\n)', re.IGNORECASE)
_FORCED_TEXT = re.compile('="([^"]*)"')


class Unreadable(ValueError):
    """The file cannot be read. The message is a sentence for the user."""


def harmless(text: str) -> str:
    """Prefixes an apostrophe if a spreadsheet would evaluate the text; `plain` removes it."""
    first, second = text[:1], text[1:2]
    is_marked = first == "'" and (second == "'" or second in FORMULA)
    return f"'{text}" if first in FORMULA or is_marked else text


def plain(cell: str) -> str:
    """Returns the text of a cell: undoes `harmless`, and unwraps the `="text"` of spreadsheets."""
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
    """Yields CSV (RFC 4180) in UTF-8 with a byte order mark, `together` rows at a time.

    Every cell is made harmless.
    """
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
    """Returns the text and its encoding. Raises Unreadable."""
    if raw.startswith(WORKBOOKS):
        raise Unreadable("This is a workbook. Choose “Save as” and then “CSV UTF-8” in the spreadsheet.")
    encoding = _encoding(raw)
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise Unreadable("The encoding of this file is unknown. Save it as “CSV UTF-8”.") from None
    if "\0" in text:
        raise Unreadable("The file contains NUL characters. Save it as “CSV UTF-8”.")
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
    """Yields the first line number and the cells of each row that is not blank. Raises Unreadable."""
    declared = _SEPARATOR_LINE.match(text)
    body = text[declared.end() :] if declared else text
    _check_count(body, "\n\r", MOST_LINES, "lines")
    separator = declared[1] if declared else _separator(body)
    _check_count(body, separator, MOST_SEPARATORS, "cells")
    reader = csv.reader(
        io.StringIO(body, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    skipped = 1 if declared else 0
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
                f"Line {line} has an unclosed quotation mark, or text after a closing one. "
                "Double a quotation mark inside a cell, and quote the whole cell."
            ) from None
        if cells is None:
            return
        if len(cells) > MOST_COLUMNS:
            raise Unreadable(f"Line {line} has {len(cells):,} cells. The limit is {MOST_COLUMNS}.")
        if any(cell.strip() for cell in cells):
            yield line, [cell.strip() for cell in cells]


def _check_count(text: str, characters: str, most: int, what: str) -> None:
    """Raises Unreadable if a character occurs too often, before any row is parsed."""
    count = max(map(text.count, characters))
    if count > most:
        raise Unreadable(f"The file has {count:,} {what}. The limit is {most:,}. Remove empty ones.")


def _separator(text: str) -> str:
    """Returns the separator that occurs most often in the header."""
    header = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    bare = _QUOTED.sub("", header)
    return max(SEPARATORS, key=bare.count)
