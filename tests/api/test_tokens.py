"""A token is ours, for us, in force, and its row says so: or it is refused."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app import background, context
from app.core import clock
from app.extensions import db
from app.models import ApiToken, User
from app.services.access import tokens
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.forge import Forge
from tests.support.rows import unchanged

PATHS = ("/api/calls/providers", "/api/calls/voice-ai/config", "/api/settings/endpoints/resolve")


@pytest.fixture
def forge(app: Flask, cast: Cast) -> Forge:
    return Forge(app, issue(app, cast.mo).jwt)


def _expect_refused(app: Flask, token: str) -> None:
    caller = Caller(app, token)
    with unchanged(app):
        for path in PATHS:
            answer = caller.get(path)
            assert answer.status_code == 401, f"{path}: {answer.text}"
            assert answer.json["code"] in ("INVALID_TOKEN", "NO_TOKEN")  # type: ignore[index]
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_token_is_accepted_as_its_key_row_and_user_say(
    app: Flask, cast: Cast, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signing key is not enough. What is rejected counts as no use."""
    answer = Caller(app, forge.with_claims(sub=cast.dana.id)).get("/api/settings/telephony")
    assert answer.status_code in (401, 403)
    noted: list[str] = []
    revoked, deleted = issue(app, cast.mo), issue(app, cast.mo)
    assert Caller(app, revoked.jwt).get(PATHS[0]).status_code == 200
    with app.app_context():
        db.session.get_one(ApiToken, revoked.token.id).revoked_at = clock.now()
        db.session.delete(db.session.get_one(ApiToken, deleted.token.id))
        db.session.commit()
    monkeypatch.setitem(app.extensions, "patchbay_token_used", noted.append)
    for issued in (revoked, deleted):
        _expect_refused(app, issued.jwt)
    assert noted == []
    dana = Caller(app, issue(app, cast.dana, secrets=True).jwt)
    assert dana.get("/api/settings/telephony").status_code == 200
    with app.app_context():
        db.session.get_one(User, cast.dana.id).role = "member"
        db.session.commit()
    assert dana.get("/api/settings/telephony").status_code == 403
    assert dana.get("/api/calls/providers/config").status_code == 401

    keys = app.extensions["patchbay"]
    newer = "a-newer-signing-key-that-is-long-enough-0123456789"
    app.extensions["patchbay"] = type(keys)(keys.sealer, (newer, *keys.jwt))
    with app.app_context():
        assert context.keys().jwt[0] == newer
    assert Caller(app, forge.sign()).get(PATHS[0]).status_code == 200
    app.extensions["patchbay"] = type(keys)(keys.sealer, (newer,))
    _expect_refused(app, forge.sign())


@pytest.fixture
def uses(app: Flask, monkeypatch: pytest.MonkeyPatch) -> background.TokenUses:
    """As a served application has them."""
    uses = background.TokenUses(app, seconds=0)
    monkeypatch.setitem(app.extensions, "patchbay_token_used", uses.note)
    return uses


def test_token_use_is_stored_in_the_background_or_is_no_error(
    app: Flask,
    cast: Cast,
    uses: background.TokenUses,
    request: pytest.FixtureRequest,
    *,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with app.app_context():
        engine = db.engine
    statements: list[str] = []
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        thread = threading.current_thread().name
        if thread == "token uses" and not statement.startswith("BEGIN"):
            statements.append(statement.split(maxsplit=1)[0])
        if statement.startswith("UPDATE api_tokens"):
            written.append(thread)

    event.listen(engine, "before_cursor_execute", note)
    request.addfinalizer(lambda: event.remove(engine, "before_cursor_execute", note))
    for path in ("/api/calls/providers", "/api/calls/voice-ai/config"):
        issued = issue(app, cast.mo)
        statements.clear()
        written.clear()
        for _ in range(5):
            assert Caller(app, issued.jwt).get(path).status_code == 200
        assert uses.idle.wait(20)
        assert (statements, written) == (["SELECT", "UPDATE"], ["token uses"]), path
        with app.app_context():
            assert db.session.get_one(ApiToken, issued.token.id).last_used_at is not None

    def fail(*_: object) -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    monkeypatch.setattr(tokens, "mark_used", fail)
    first, second = issue(app, cast.mo), issue(app, cast.mo)
    for issued in (first, second):
        assert Caller(app, issued.jwt).get("/api/calls/providers").status_code == 200
        assert uses.idle.wait(20)
    with app.app_context():
        assert db.session.get_one(ApiToken, first.token.id).last_used_at is None
    logged = [str(record.msg) for record in caplog.records]
    assert len([event for event in logged if "token.use_not_written" in event]) == 2
    assert not [event for event in logged if "background.failed" in event]
