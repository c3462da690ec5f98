"""What every answer has, whoever asks; `Caller` checks most of it on every answer of every test."""

from __future__ import annotations

from flask import Flask

from app.api.operations import OPERATIONS
from tests.support.caller import Caller
from tests.support.rows import unchanged

READS = [operation.path for operation in OPERATIONS if operation.method == "GET"]


def test_a_read_writes_no_row_for_a_caller_without_the_scope(
    app: Flask, careful_dana: Caller, mo: Caller
) -> None:
    with unchanged(app):
        for caller in (careful_dana, mo):
            for path in READS:
                caller.get(path)


def test_text_is_kept_as_it_was_sent(dana: Caller) -> None:
    for n, label in enumerate(("{{7*7}}", "Línea ñ 電話 🐘", "<b>&amp;", 'quote " back\\slash')):
        number = f"+1555000000{n}"
        body = {"phone_number": number, "provider": "twilio", "label": label}
        assert dana.post("/api/settings/endpoints", body).json["label"] == label  # type: ignore[index]
        found = dana.get("/api/settings/endpoints", query_string={"q": label}).json
        assert [row["label"] for row in found or []] == [label]
