"""What is no table of endpoints at all is refused before anything is done with it."""

from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.services.endpoints import csv_format

FIRST = "+15551234567"
HEADER = "phone_number,provider,inbound_agent_name,outbound_agent_name,label,is_active"


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("phone_number,providr", "no column “providr”. Did you mean provider?"),
        ("phone_number,Inbound Agent", "no column “Inbound Agent”. Did you mean inbound_agent_name?"),
        ("phone_number,zip", "no column “zip”. Known are: phone_number,"),
        ("phone_number,label,Label", "The column label is there twice"),
        ("provider,label", "There is no column phone_number"),
        (
            f"{FIRST},twilio",
            f"row begins with “{FIRST}”. It has to name the columns: phone_number,",
        ),
        ("Table 1", "The first row begins with “Table 1”."),
        ("Phone numbr", "no column “Phone numbr”. Did you mean phone_number?"),
    ],
)
def test_a_header_that_is_not_known_is_refused(header, sentence):
    with pytest.raises(Invalid) as told:
        csv_format.opened(f"{header}\r\n{FIRST},twilio,".encode())
    assert sentence in told.value.problems[0].message
    assert told.value.problems[0].field == "file"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b" \r\n", "Choose a file"),
        (b"\xef\xbb\xbf\r\n", "There is nothing in it"),
        (HEADER.encode(), "no row below it"),
        (b"PK\x03\x04", "This is a workbook"),
    ],
)
def test_a_file_without_rows_is_refused(raw, sentence):
    with pytest.raises(Invalid) as told:
        csv_format.opened(raw)
    assert sentence in told.value.problems[0].message


def test_more_rows_than_one_file_may_have(monkeypatch):
    monkeypatch.setattr(csv_format, "MOST_ROWS", 2)
    with pytest.raises(Invalid) as told:
        csv_format.opened("\n".join([HEADER, *[f"{FIRST},,,,,"] * 3]).encode())
    assert "more than 2 rows" in told.value.problems[0].message
