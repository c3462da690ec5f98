"""What holds for every response; `Caller` checks most of it in every test."""

from __future__ import annotations

from flask import Flask

from app.api.operations import OPERATIONS
from tests.support.caller import Caller, sentence
from tests.support.rows import unchanged

READS = [operation.path for operation in OPERATIONS if operation.method == "GET"]


def test_get_without_the_scope_writes_nothing(app: Flask, careful_dana: Caller, mo: Caller) -> None:
    with unchanged(app):
        for caller in (careful_dana, mo):
            for path in READS:
                caller.get(path)


def test_text_is_stored_unchanged(dana: Caller) -> None:
    for n, label in enumerate(("{{7*7}}", "Línea ñ 電話 🐘", "<b>&amp;", 'quote " back\\slash')):
        number = f"+1555000000{n}"
        body = {"phone_number": number, "provider": "twilio", "label": label}
        assert dana.post("/api/settings/endpoints", body).json["label"] == label  # type: ignore[index]
        found = dana.get("/api/settings/endpoints", query_string={"q": label}).json
        assert [row["label"] for row in found or []] == [label]


def test_wrong_paths_and_methods_are_refused_with_what_is_right(dana: Caller) -> None:
    for path in ("/api", "/api/settings/endpoints/", "/api/%00"):
        answer = dana.get(path)
        assert (answer.status_code, "/api/docs" in sentence(answer)) == (404, True), path
    answer = dana.call("PATCH", "/api/settings/endpoints")
    assert answer.status_code == 405
    assert "GET or HEAD or POST" in sentence(answer)
