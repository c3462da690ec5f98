from __future__ import annotations

import pytest

from app.core.errors import Invalid
from app.services.endpoints import csv_format, messages
from app.services.endpoints.fields import COLUMNS

FIRST = "+15551234567"
HEADER = ",".join(COLUMNS)


def _refusals(raw):
    with pytest.raises(Invalid) as refused:
        csv_format.open_table(raw)
    assert {problem.field for problem in refused.value.problems} == {"file"}
    return [problem.message for problem in refused.value.problems]


HEADERS = {
    "phone_number,providr": messages.unknown_column("providr", COLUMNS, "provider"),
    "phone_number,Inbound Agent": messages.unknown_column("Inbound Agent", COLUMNS, "inbound_agent_name"),
    "phone_number,zip": messages.unknown_column("zip", COLUMNS, None),
    "phone_number,label,Label": messages.repeated_column("label"),
    "provider,label": messages.NO_NUMBER_COLUMN,
    f"{FIRST},twilio": messages.no_header(FIRST, COLUMNS),
    "Table 1": messages.no_header("Table 1", COLUMNS),
    "Phone numbr": messages.unknown_column("Phone numbr", COLUMNS, "phone_number"),
}


def test_opened_refuses_a_wrong_header_and_a_file_without_rows(monkeypatch):
    refusals = {header: _refusals(f"{header}\r\n{FIRST},twilio,".encode())[0] for header in HEADERS}
    assert refusals == HEADERS

    assert _refusals(b" \r\n") == [messages.NO_FILE]
    assert _refusals(b"\xef\xbb\xbf\r\n") == [messages.empty_header(COLUMNS)]
    assert _refusals(HEADER.encode()) == [messages.NO_ROWS]
    assert len(_refusals(b"PK\x03\x04")) == 1
    monkeypatch.setattr(csv_format, "MOST_ROWS", 2)
    many = "\n".join([HEADER, *[f"{FIRST},,,,,"] * 3]).encode()
    assert _refusals(many) == [messages.too_many_rows(2)]
