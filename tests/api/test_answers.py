"""What every answer has, whoever asks; `Caller` checks most of it on every answer of every test."""

from __future__ import annotations

import pytest
from flask import Flask

from app.api.operations import OPERATIONS
from tests.support import contract
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.rows import unchanged

READS = [operation.path for operation in OPERATIONS if operation.method == "GET"]


@pytest.mark.asvs("3.5.3")
def test_no_read_changes_anything_but_the_audit(app: Flask, dana: Caller, cast: Cast) -> None:
    dana.put("/api/settings/telephony", contract.TELEPHONY_EXAMPLES["twilio"])
    dana.post("/api/settings/endpoints", contract.ENDPOINT_EXAMPLE)
    with unchanged(app, but=("audit_events",)):
        for path in READS:
            path = path.replace("<organization_id>", cast.acme)  # noqa: PLW2901
            for query in ("", f"organizationId={cast.globex}", "phone_number=%2B919876543210"):
                dana.get(f"{path}?{query}")
                dana.call("HEAD", f"{path}?{query}")


def test_a_read_writes_no_row_for_a_caller_without_the_scope(
    app: Flask, careful_dana: Caller, mo: Caller
) -> None:
    with unchanged(app):
        for caller in (careful_dana, mo):
            for path in READS:
                caller.get(path)


@pytest.mark.asvs("1.3.7")
def test_text_is_kept_as_it_was_sent(dana: Caller) -> None:
    for n, label in enumerate(("{{7*7}}", "Línea ñ 電話 🐘", "<b>&amp;", 'quote " back\\slash')):
        number = f"+1555000000{n}"
        body = {"phone_number": number, "provider": "twilio", "label": label}
        assert dana.post("/api/settings/endpoints", body).json["label"] == label  # type: ignore[index]
        found = dana.get("/api/settings/endpoints", query_string={"q": label}).json
        assert [row["label"] for row in found or []] == [label]
