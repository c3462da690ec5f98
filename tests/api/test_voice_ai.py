"""ElevenLabs and Sinch EST: flags for all callers, values for none."""

from __future__ import annotations

from typing import Any

from flask import Flask
from sqlalchemy import select

from app.api import messages
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import VoicePhoneNumber, WebhookSetup
from tests.support import contract
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.rows import unchanged

CONFIG = "/api/calls/voice-ai/config"
EMPTY: dict[str, Any] = {
    "aiVoiceProvider": None,
    "hasApiKey": False,
    "hasToolSecret": False,
    "hasEstCredentials": False,
    "sinchEstProjectId": None,
    "sinchEstTrunkId": None,
    "sinchEstTrunkDomain": None,
    "phoneNumbers": [],
}
EST = {"sinchEstKeyId": "key-id", "sinchEstKeySecret": "sample-key-secret"}


def test_save_accepts_the_contract_example_and_what_was_read(dana: Caller, mo: Caller) -> None:
    assert mo.get(CONFIG).json == EMPTY
    assert dana.post(CONFIG, contract.VOICE_AI_EXAMPLE).json == {"success": True, "message": messages.SAVED}
    stored = EMPTY | {
        "aiVoiceProvider": "elevenlabs",
        "hasApiKey": True,
        "hasToolSecret": True,
        "sinchEstProjectId": "sinch-est-project-abc",
        "sinchEstTrunkId": "sinch-est-trunk-xyz",
        "sinchEstTrunkDomain": "example.sip.sinch.com",
    }
    assert mo.get(CONFIG).json == stored
    assert "warnings" not in dana.post(CONFIG, stored).get_json()
    assert dana.get(CONFIG).json == stored
    (warning,) = dana.post(CONFIG, stored | {"hasApiKey": False}).get_json()["warnings"]
    assert "hasApiKey" in warning


def test_save_keeps_omitted_fields_also_when_the_provider_fails(app: Flask, dana: Caller) -> None:
    """What is null is cleared. Fields that are unknown are named, and ignored. The tool secret is replaced
    on request only."""
    answer = dana.post(CONFIG, {"elevenlabsToolSecret": "x", "elevenlabsWebhookId": "y"})
    assert (answer.status_code, len(answer.get_json()["warnings"])) == (200, 2)
    dana.post(CONFIG, {"generateToolSecret": False})
    assert dana.get(CONFIG).json == EMPTY
    dana.post(CONFIG, {"generateToolSecret": True})
    with unchanged(app, but=("audit_events", "organizations")):
        dana.post(CONFIG, {"generateToolSecret": False})
    dana.post(CONFIG, contract.VOICE_AI_EXAMPLE | EST)
    dana.post(CONFIG, {})
    assert dana.get(CONFIG).get_json()["hasEstCredentials"] is True
    cleared = dict.fromkeys([*(set(contract.VOICE_AI_EXAMPLE) - {"generateToolSecret"}), *EST], None)
    assert dana.post(CONFIG, cleared).status_code == 200
    assert dana.get(CONFIG).json == EMPTY | {"hasToolSecret": True}

    app.extensions["patchbay_outbound"] = Outbound({"api.elevenlabs.io": "http://127.0.0.1:9"}, deadline=2.0)
    dana.put("/api/settings/telephony", {"public_base_url": "https://voice.acme.example"})
    assert dana.post(CONFIG, contract.VOICE_AI_EXAMPLE).status_code == 200
    assert dana.get(CONFIG).json["hasApiKey"] is True  # type: ignore[index]
    with app.app_context():
        assert db.session.scalars(select(WebhookSetup.state)).all() == ["failed"]


def test_get_lists_the_sinch_numbers_of_all_users(
    app: Flask, dana: Caller, mo: Caller, gus: Caller, cast: Cast
) -> None:
    path = f"/api/organizations/{cast.acme}/phone-numbers"
    for user, provider, number in (
        (cast.mo.id, "sinch", "+14165550101"),
        (cast.dana.id, "sinch", "+14165550100"),
        (cast.dana.id, "twilio", "+14165550102"),
    ):
        dana.post(path, {"userId": user, "provider": provider, "phoneNumber": number})
    with app.app_context():
        row = db.session.scalars(
            select(VoicePhoneNumber).where(VoicePhoneNumber.phone_number == "+14165550100")
        ).one()
        row.label, row.ai_enabled, row.ai_provider = "Main line", True, "elevenlabs"
        row.ai_agent_id, row.ai_phone_number_id = "agent-1", "eleven-pn-1"
        db.session.commit()
    assert mo.get(CONFIG).json["phoneNumbers"] == [  # type: ignore[index]
        {
            "provider": "sinch",
            "phoneNumber": "+14165550100",
            "isDefault": True,
            "isInboundEnabled": True,
            "aiEnabled": True,
            "aiAgentId": "agent-1",
            "elevenlabsPhoneNumberId": "eleven-pn-1",
            "label": "Main line",
            "userName": "Dana",
            "userId": cast.dana.id,
        },
        {
            "provider": "sinch",
            "phoneNumber": "+14165550101",
            "isDefault": True,
            "isInboundEnabled": True,
            "aiEnabled": False,
            "userName": "Mo",
            "userId": cast.mo.id,
        },
    ]
    assert gus.get(CONFIG).json["phoneNumbers"] == []  # type: ignore[index]
