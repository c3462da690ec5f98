"""Tokens for the SDK of a dialer: any user's, from the active voice provider."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select, update

from app import context
from app.core import clock
from app.models import AuditEvent, Connection, Secret, Throttle
from app.services.providers import dialer_tokens
from tests.support.caller import Caller, sentence
from tests.support.cast import Cast

PATH = "/api/calls/token"
CONFIG = "/api/calls/providers/config"
API_KEY_SECRET = "sample-secret-of-an-api-key-0001"
TWILIO = {
    "provider": "twilio",
    "twilioAccountSid": "AC" + "0" * 32,
    "twilioAuthToken": "sample-auth-token-of-an-account-01",
    "twilioApiKeySid": "SK" + "0" * 32,
    "twilioApiKeySecret": API_KEY_SECRET,
    "twilioTwimlAppSid": "AP" + "0" * 32,
}
SINCH = {
    "provider": "sinch",
    "sinchApplicationKey": "sample-key",
    "sinchApplicationSecret": "c2FtcGxlLXNlY3JldC1vZi1zaW5jaA==",
}


def activate(dana: Caller, config: dict[str, Any]) -> None:
    assert dana.post(CONFIG, config).status_code == 200
    assert dana.post("/api/calls/providers/active", {"provider": config["provider"]}).status_code == 200


def events(app: Flask) -> list[tuple[str, Any]]:
    """(Email, changes) of each event about a token, oldest first."""
    with app.app_context():
        query = select(AuditEvent.actor_name, AuditEvent.changes).order_by(AuditEvent.id)
        rows = context.session().execute(query.where(AuditEvent.action == "dialer-token.issued"))
        return [(name, changes) for name, changes in rows]


def test_token_is_of_the_active_provider_and_user_and_logged_nowhere(
    dana: Caller,
    mo: Caller,
    gus: Caller,
    cast: Cast,
    app: Flask,
    *,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of any organization for superadmins, of their own for members. It is made of its own secrets only."""
    activate(dana, TWILIO)
    before = clock.now().replace(microsecond=0)
    answer = mo.post(PATH, {})
    assert answer.status_code == 200, answer.text
    identity = f"user_{cast.mo.id.replace('-', '')}"
    document = answer.json or {}
    assert (document["provider"], document["identity"]) == ("twilio", identity)
    expires_at = datetime.fromisoformat(document["expiresAt"].removesuffix("Z"))
    assert document["expiresAt"].endswith("Z")
    assert before + timedelta(hours=1) <= expires_at <= clock.now() + timedelta(hours=1)
    token = jwt.decode(document["token"], OctKey.import_key(API_KEY_SECRET))
    assert token.claims["grants"]["identity"] == identity
    assert token.claims["exp"] == clock.seconds(expires_at)
    assert mo.post(f"{PATH}?organizationId={cast.globex}", {}).status_code == 401
    activate(dana, SINCH)
    assert (mo.post(PATH).json or {})["provider"] == "sinch"
    assert len((mo.post(PATH, {"identity": "dana", "ttl": 86400}).json or {})["warnings"]) == 2
    inside = gus.post(f"{PATH}?organizationId={cast.acme}", {}).get_json()
    assert inside["identity"] == dialer_tokens.identity_of(cast.gus.id)
    assert gus.post(PATH, {}).status_code == 409

    activate(dana, TWILIO)
    with app.app_context():
        broken = update(Secret).where(Secret.field == "auth_token").values(sealed="broken")
        context.session().execute(broken)
        context.session().commit()
    with caplog.at_level(logging.DEBUG):
        token = (mo.post(PATH, {}).json or {})["token"]
    logged = caplog.text + "".join(capsys.readouterr())
    assert not [text for text in (token, API_KEY_SECRET, TWILIO["twilioAuthToken"]) if text in logged]
    assert token not in str(events(app))


def test_conflict_names_what_is_missing_or_disabled(app: Flask, dana: Caller, mo: Caller) -> None:
    def refusal() -> tuple[str, str]:
        answer = mo.post(PATH, {})
        assert answer.status_code == 409, answer.text
        return (answer.json or {})["code"], sentence(answer)

    assert refusal()[0] == "NO_VOICE_PROVIDER"
    activate(dana, {name: value for name, value in TWILIO.items() if "Api" not in name})
    code, said = refusal()
    assert code == "PROVIDER_NOT_CONFIGURED"
    assert [name in said for name in TWILIO if name.startswith("twilio")] == [False, False, True, True, False]
    dana.post(CONFIG, TWILIO)
    dana.post(CONFIG, {"provider": "twilio", "isEnabled": False})
    activate(dana, SINCH)
    with app.app_context():
        context.session().execute(update(Secret).where(Secret.provider == "sinch").values(sealed="broken"))
        context.session().commit()
    code, said = refusal()
    assert (code, "sinchApplicationSecret" in said) == ("PROVIDER_NOT_CONFIGURED", True)
    with app.app_context():
        context.session().execute(update(Connection).values(enabled=False))
        context.session().commit()
    assert refusal()[0] == "PROVIDER_DISABLED"
    assert events(app) == []


def test_tokens_are_limited_per_user_and_audited_once_an_hour(
    app: Flask, dana: Caller, mo: Caller, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialer_tokens, "MOST", 3)
    activate(dana, SINCH)
    assert [mo.post(PATH, {}).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert int(mo.post(PATH, {}).headers["Retry-After"]) > 0
    assert dana.post(PATH, {}).status_code == 200
    assert events(app) == [(cast.mo.email, {}), (cast.dana.email, {})]
    with app.app_context():
        tallies = update(Throttle)
        before = clock.now() - timedelta(hours=2)
        context.session().execute(tallies.values(window_started_at=before))
        context.session().commit()
    mo.post(PATH, {})
    assert events(app)[2:] == [(cast.mo.email, {"times": [None, 3]})]
