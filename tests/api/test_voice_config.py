"""Twilio and Sinch for the dialer: read, saved in parts, disconnected, made the default."""

from __future__ import annotations

from flask import Flask

from app.api import messages
from tests.support import contract
from tests.support.caller import Caller, fields, sentence
from tests.support.cast import Cast
from tests.support.rows import unchanged

CONFIG = "/api/calls/providers/config"
ACTIVE = "/api/calls/providers/active"
SID = "AC" + "0" * 32
TWILIO = {
    "provider": "twilio",
    "phoneNumber": "+15551234567",
    "twilioAccountSid": SID,
    "twilioAuthToken": "sample-auth-token-0001",
    "twilioApiKeySid": "SK" + "0" * 32,
    "twilioApiKeySecret": "sample-api-secret-0002",
    "twilioTwimlAppSid": "AP" + "0" * 32,
    "twilioServiceSid": "MG" + "0" * 32,
}


def _item(caller: Caller, provider: str) -> dict:
    answer = caller.get(CONFIG)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return next(item for item in answer.json["providers"] if item["provider"] == provider)


def test_saved_configuration_is_returned_sent_back_and_kept(dana: Caller, app: Flask, cast: Cast) -> None:
    """With the caller's own numbers. A save keeps omitted and clears null fields."""
    assert dana.get(CONFIG).json == {
        "activeProvider": None,
        "providers": [
            {"provider": "twilio", "isEnabled": False, "isConfigured": False},
            {"provider": "sinch", "isEnabled": False, "isConfigured": False},
        ],
        "userPhoneNumbers": [],
    }

    assert dana.post(CONFIG, TWILIO).json == {"success": True, "message": messages.SAVED}
    assert _item(dana, "twilio") == TWILIO | {"isEnabled": True, "isConfigured": True}

    dana.post(CONFIG, TWILIO)
    item = _item(dana, "twilio")
    with unchanged(app, but=("secrets", "connections", "audit_events", "organizations")):
        assert dana.post(CONFIG, item).status_code == 200
    assert _item(dana, "twilio") == item
    assert dana.post(CONFIG, contract.VOICE_CONFIG_EXAMPLE).get_json()["success"] is True
    assert _item(dana, "sinch") == contract.VOICE_CONFIG_EXAMPLE

    path = f"/api/organizations/{cast.acme}/phone-numbers"
    for user, number in ((cast.dana.id, "+14165550100"), (cast.mo.id, "+14165550101")):
        dana.post(path, {"userId": user, "provider": "sinch", "phoneNumber": number})
    expected = {"provider": "sinch", "phoneNumber": "+14165550100", "isDefault": True}
    more = {"isInboundEnabled": True, "aiEnabled": False}
    assert dana.get(CONFIG).get_json()["userPhoneNumbers"] == [expected | more]

    dana.post(CONFIG, TWILIO)
    dana.post(
        CONFIG,
        {"provider": "twilio", "twilioServiceSid": None, "twilioAuthToken": "  another-sample-1 "},
    )
    expected = TWILIO | {
        "twilioAuthToken": "another-sample-1",
        "isEnabled": True,
        "isConfigured": True,
    }
    del expected["twilioServiceSid"]
    assert _item(dana, "twilio") == expected
    dana.post(CONFIG, {"provider": "twilio", "twilioAuthToken": None})
    item = _item(dana, "twilio")
    assert "twilioAuthToken" not in item
    assert item["isConfigured"] is False


def test_save_disables_enables_and_ignores_computed_fields(dana: Caller, app: Flask) -> None:
    answer = dana.post(CONFIG, TWILIO | {"twilioAuthTokn": "x", "color": {"deep": [1]}})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["warnings"] == [messages.ignored_field(name) for name in ("color", "twilioAuthTokn")]

    answer = dana.post(CONFIG, {"provider": "sinch", "isConfigured": True})
    assert answer.status_code == 200
    assert _item(dana, "sinch")["isConfigured"] is False

    with unchanged(app):
        answer = dana.post(CONFIG, {"provider": "sinch", "twilioAuthToken": "sample-token"})
    assert fields(answer) == {"twilioAuthToken"}

    dana.post(CONFIG, TWILIO | {"isEnabled": False})
    assert _item(dana, "twilio")["isEnabled"] is False
    assert dana.post(ACTIVE, {"provider": "twilio"}).status_code == 409
    dana.post(CONFIG, {"provider": "twilio", "isEnabled": True})
    assert dana.post(ACTIVE, {"provider": "twilio"}).status_code == 200
    dana.post(CONFIG, {"provider": "twilio", "isEnabled": False})
    assert dana.get("/api/calls/providers").json == {"provider": None, "phoneNumber": None}


def test_active_provider_keeps_its_values_until_it_is_deleted(app: Flask, dana: Caller) -> None:
    """Only providers for the dialer are chosen or deleted."""
    dana.post(CONFIG, TWILIO)
    with unchanged(app):
        answer = dana.post(CONFIG, {"provider": "twilio", "twilioAuthToken": "0001"})
        assert fields(answer) == {"twilioAuthToken"}
    dana.post(ACTIVE, {"provider": "twilio"})
    with unchanged(app):
        answer = dana.post(CONFIG, {"provider": "twilio", "twilioAuthToken": None})
        assert (answer.status_code, "twilioAuthToken" in sentence(answer)) == (409, True)
    assert dana.delete(f"{CONFIG}/twilio").get_json()["success"] is True
    assert _item(dana, "twilio") == {"provider": "twilio", "isEnabled": False, "isConfigured": False}
    assert dana.get(CONFIG).get_json()["activeProvider"] is None
    assert dana.delete(f"{CONFIG}/twilio").status_code == 200
    with unchanged(app):
        for provider in ("exotel", "elevenlabs", "unknown", "", "TWILIO"):
            assert fields(dana.post(ACTIVE, {"provider": provider})) == {"provider"}, provider
        for provider in ("exotel", "elevenlabs", "unknown", "%00", "🐘"):
            assert dana.delete(f"{CONFIG}/{provider}").status_code == 404, provider
