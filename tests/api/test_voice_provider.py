"""The question of every call: which provider, which number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.extensions import db
from app.models import Organization
from tests.support.caller import Caller
from tests.support.cast import Cast

PATH = "/api/calls/providers"
SINCH = {
    "provider": "sinch",
    "sinchApplicationKey": "key",
    "sinchApplicationSecret": "not-a-real-secret",
}


@contextmanager
def _statements(app: Flask) -> Iterator[list[str]]:
    """Fills up with the SQL that is sent."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement != "BEGIN":
            statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _give(dana: Caller, cast: Cast, user: str, number: str, provider: str = "sinch", **more: Any) -> None:
    body = {"userId": user, "provider": provider, "phoneNumber": number} | more
    answer = dana.post(f"/api/organizations/{cast.acme}/phone-numbers", body)
    assert answer.status_code == 201, answer.text


def test_active_provider_has_the_callers_default_number(
    app: Flask, dana: Caller, mo: Caller, gus: Caller, cast: Cast
) -> None:
    """Both are read each time, in one statement: another process may have changed them."""
    nothing = {"provider": None, "phoneNumber": None}
    assert mo.get(PATH).json == nothing
    dana.post(f"{PATH}/config", SINCH)
    dana.post(f"{PATH}/active", {"provider": "sinch"})
    assert mo.get(PATH).json == {"provider": "sinch", "phoneNumber": None}
    _give(dana, cast, cast.mo.id, "+14165550100")
    _give(dana, cast, cast.mo.id, "+14165550101", isDefault=True)
    _give(dana, cast, cast.mo.id, "+14165550102", provider="twilio")
    _give(dana, cast, cast.dana.id, "+14165550103")
    assert mo.get(PATH).json == {"provider": "sinch", "phoneNumber": "+14165550101"}
    assert dana.get(PATH).json == {"provider": "sinch", "phoneNumber": "+14165550103"}
    assert gus.get(PATH).json == nothing
    inside = gus.get(f"{PATH}?organizationId={cast.acme}")
    assert inside.json == {"provider": "sinch", "phoneNumber": None}
    dana.post(f"{PATH}/active", {"provider": None})
    assert mo.get(PATH).get_json()["provider"] is None
    with app.app_context():
        db.session.get_one(Organization, cast.acme).active_voice = "twilio"
        db.session.commit()
    with _statements(app) as statements:
        assert mo.get(PATH).json == {"provider": "twilio", "phoneNumber": "+14165550102"}
    assert len(statements) == 1, statements
