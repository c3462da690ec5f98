"""Raw secrets leave by two documented reads only, to a token that may have them, on the record."""

from __future__ import annotations

from typing import Any

from flask import Flask

from devtools.scopes import PASSWORD
from tests.support import contract
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.rows import audit

TELEPHONY = "/api/settings/telephony"
CONFIG = "/api/calls/providers/config"
CANARY = "canary"


def _fill(dana: Caller) -> None:
    """Every secret field has a value with the canary in it."""
    for example in contract.TELEPHONY_EXAMPLES.values():
        secrets = {name: f"{CANARY}-{name}" for name in contract.TELEPHONY_SECRETS if name in example}
        assert dana.put(TELEPHONY, example | secrets).status_code == 200
    assert (
        dana.post(
            CONFIG, {"provider": "twilio", "twilioApiKeySecret": f"{CANARY}-api-key-secret"}
        ).status_code
        == 200
    )
    assert (
        dana.post(
            CONFIG, contract.VOICE_CONFIG_EXAMPLE | {"sinchApplicationSecret": f"{CANARY}-sinch"}
        ).status_code
        == 200
    )
    body = contract.VOICE_AI_EXAMPLE | {
        "elevenlabsApiKey": f"{CANARY}-eleven",
        "sinchEstKeySecret": f"{CANARY}-est",
        "sinchEstKeyId": "key-id",
    }
    assert dana.post("/api/calls/voice-ai/config", body).status_code == 200


def _reads(app: Flask) -> list[str]:
    return [event.subject for event in audit(app) if event.action == "secrets.read"]


def test_secrets_are_in_two_audited_reads_and_in_no_save(app: Flask, dana: Caller) -> None:
    """A response without them, as one to HEAD, is not audited."""
    for path in (TELEPHONY, CONFIG):
        dana.get(path)
    _fill(dana)
    assert _reads(app) == []
    expected = []
    for path, secrets, subject in (
        (TELEPHONY, contract.TELEPHONY_SECRETS, "telephony settings"),
        (CONFIG, contract.VOICE_SECRETS, "voice configuration"),
    ):
        answer = dana.get(path)
        expected.append(subject)
        assert (answer.text.count(CANARY), answer.headers["Cache-Control"]) == (len(secrets), "no-store")
        assert _reads(app) == expected
        tag = answer.headers["ETag"]
        assert dana.get(path, headers={"If-None-Match": tag}).status_code == 304
        assert dana.call("HEAD", path).status_code == 200
        assert _reads(app) == expected
        assert dana.get(path, headers={"If-None-Match": '"another"'}).status_code == 200
        expected.append(subject)
        assert _reads(app) == expected

    payload = {"twilio_auth_token": f"{CANARY}-again"}
    assert CANARY not in dana.put(TELEPHONY, payload).text
    wrong = {"twilio_auth_token": f"{CANARY} with spaces", "twilio_account_sid": f"{CANARY}-sid"}
    assert CANARY not in dana.put(TELEPHONY, wrong).text
    long = dana.post(CONFIG, {"provider": "sinch", "sinchApplicationSecret": CANARY * 200})
    assert CANARY not in long.text
    dana.put(TELEPHONY, {"provider": None, "twilio_auth_token": None})
    changes = [event.changes for event in audit(app) if "twilio_auth_token" in event.changes]
    recorded = [change["twilio_auth_token"] for change in changes]
    assert recorded == [["not set", "set"], ["set", "replaced"], ["set", "not set"]]
    assert CANARY not in str([(event.subject, event.changes) for event in audit(app)])


def test_secrets_need_the_scope_which_sign_in_gives_superadmins(
    app: Flask, dana: Caller, careful_dana: Caller, anonymous: Caller, cast: Cast, *, gus: Caller
) -> None:
    _fill(dana)
    expected: dict[str, Any] = dana.get(TELEPHONY).get_json()
    for name in contract.TELEPHONY_SECRETS:
        del expected[name]
    before = len(_reads(app))
    assert careful_dana.get(TELEPHONY).json == expected
    items = careful_dana.get(CONFIG).get_json()["providers"]
    assert all(item["isConfigured"] for item in items)
    assert not {name for item in items for name in item} & set(contract.VOICE_SECRETS)
    assert len(_reads(app)) == before
    body = {"email": cast.dana.email, "password": PASSWORD}
    signed_in = Caller(app, anonymous.post("/api/auth/login", body).get_json()["token"])
    assert all(CANARY in signed_in.get(path).text for path in (TELEPHONY, CONFIG))
    assert CANARY in gus.get(f"{CONFIG}?organizationId={cast.acme}").text
    event = audit(app)[-1]
    assert (event.action, event.organization_id) == ("secrets.read", cast.acme)
    assert event.actor_name == cast.gus.email
