from __future__ import annotations

import csv
import io

import pytest

from app.core import csv_text
from app.core.csv_text import Unreadable


def read(raw):
    text, encoding = csv_text.decode(raw)
    return [cells for _, cells in csv_text.rows(text)], encoding


TABLE = "number,label\r\n+1555,Café\r\n"
WANTED = [["number", "label"], ["+1555", "Café"]]


def test_rows_of_every_encoding_and_separator(subtests):
    for raw, encoding in [
        (TABLE.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TABLE.encode(), "utf-8-sig"),
        (TABLE.encode("cp1252"), "cp1252"),
        (TABLE.encode("utf-16"), "utf-16"),
        (b"\xff\xfe" + TABLE.replace(",", "\t").encode("utf-16-le"), "utf-16"),
        (b"\xfe\xff" + TABLE.encode("utf-16-be"), "utf-16"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        (TABLE.replace(",", ";").encode(), "utf-8"),
        (TABLE.replace(",", "\t").encode(), "utf-8"),
        (b"sep=;\r\n" + TABLE.replace(",", ";").encode(), "utf-8"),
        (b"\xef\xbb\xbfSEP=,\n" + TABLE.encode(), "utf-8-sig"),
        (b'"sep=;"\r' + TABLE.replace("\r\n", "\r").replace(",", ";").encode(), "utf-8"),
        (TABLE.replace(",", "|").encode(), "utf-8"),
        (TABLE.replace("\r\n", "\n").encode(), "utf-8"),
        (TABLE.replace("\r\n", "\r").encode(), "utf-8"),
        (TABLE.rstrip().encode(), "utf-8"),
        (b"\r\n,\r\n" + TABLE.replace("\r\n", "\r\n\r\n , \r\n").encode(), "utf-8"),
        ('"number","label"\r\n"+1555","Café"\r\n'.encode(), "utf-8"),
        (' number , "label"\r\n+1555 ,Café \r\n'.encode(), "utf-8"),
    ]:
        with subtests.test(raw=raw):
            rows, read_as = read(raw)
            assert rows == WANTED
            assert read_as == encoding

    assert read(b"a;b\r\n1,5;2,5,5\r\n")[0] == [["a", "b"], ["1,5", "2,5,5"]]
    assert read(b'"a,b";c\r\n1;2\r\n')[0] == [["a,b", "c"], ["1", "2"]]

    text = 'a,b\r\n\r\n1,"two\r\nlines, and ""marks"""\r\n2,x\r\n'
    assert list(csv_text.rows(text)) == [
        (1, ["a", "b"]),
        (3, ["1", 'two\r\nlines, and "marks"']),
        (5, ["2", "x"]),
    ]
    assert [line for line, _ in csv_text.rows("sep=,\na,b\n1,2\n")] == [2, 3]


def test_decode_and_rows_reject_what_is_no_table(subtests):
    for raw, sentence in [
        (b"PK\x03\x04 and so on", "a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook"),
        (b"\xef\xbb\xbfcaf\xe9", "encoding"),
        (b"a,b\r\n\x81,\x8d", "encoding"),
        (b"\xff\xfea", "encoding"),
        (b"a,b\r\nx\0y,1", "NUL"),
    ]:
        with subtests.test(raw=raw), pytest.raises(Unreadable, match=sentence):
            read(raw)

    for row in ['1,"never closed\r\n5,6', '1,"closed"too early']:
        with (
            subtests.test(row=row),
            pytest.raises(Unreadable, match=r"^Line 3 has an unclosed quotation mark"),
        ):
            list(csv_text.rows(f"a,b\r\n1,2\r\n{row}"))

    for text, sentence in [
        ("a,b\n" + "\n" * csv_text.MOST_LINES, "500,001 lines"),
        ("a,b\r\n" + "\r" * csv_text.MOST_LINES, "500,001 lines"),
        ("a,b\n" + "," * csv_text.MOST_SEPARATORS, "5,000,001 cells"),
        ("a;b\n" + ";" * csv_text.MOST_SEPARATORS, "5,000,001 cells"),
        ("a,b\n" + "," * csv_text.MOST_COLUMNS, "Line 2 has 201 cells"),
        ("a,b\n" + "x" * 200_000, "Line 2 has a cell of more than 131,072 characters"),
    ]:
        with subtests.test(sentence), pytest.raises(csv_text.Unreadable, match=sentence):
            list(csv_text.rows(text))


CELLS = [
    *("=1+1", "+15551234567", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1"),
    *("\uff1d1", "\uff0b1", "\uff0d1", "\uff201"),
    *("'=1+1", "''", "'''x", "'", "'quoted'", '="x"', "", "plain", "a=b", 'a "b", c', "two\nlines"),
]


def test_lines_escape_formulas_in_batches_and_plain_restores_them(subtests):
    for cell in CELLS:
        with subtests.test(cell=cell):
            written = b"".join(csv_text.lines([["a", cell]])).decode("utf-8-sig")
            ((_, written_cell),) = csv.reader(io.StringIO(written, newline=""))
            assert written_cell[:1] not in csv_text.FORMULA
            assert csv_text.plain(written_cell) == cell

    assert csv_text.plain('="+15551234567"') == "+15551234567"
    assert csv_text.plain('=1+"a"') == '=1+"a"'

    pieces = list(csv_text.lines(([str(n)] for n in range(450)), together=200))
    assert len(pieces) == 3
    assert b"".join(pieces) == b"\xef\xbb\xbf" + b"".join(f"{n}\r\n".encode() for n in range(450))
