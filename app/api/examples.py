"""Examples in the reference. The tests send each request, to an organization with these ids."""

from __future__ import annotations

from typing import Any

ORGANIZATION_ID = "1f0e6a52-3c1d-4b7a-9d0c-5e8f2a4b6c10"
GLOBEX_ID = "7b3d9c04-58e2-4f16-a1c9-0d6e8b2f4a57"
USER_ID = "64f0a1b2-c3d4-4e5f-a6b7-a8c9d4e0f1a2"
OTHER_ENDPOINT_ID = "8e5c1f0b-9d27-4a64-b3e8-6f2a0c4d7b95"
TOKEN_ID = "5b8d2e7f-1a3c-4f60-9e2b-7c4d0f6a8b13"  # noqa: S105 (an id)
ASSIGNMENT_ID = "0d4f6b8a-2c1e-4a3d-9b7f-5e8c0a2d4f61"
ENDPOINT_ID = "c2a9d6f1-7e43-4b58-8f0a-3d1b5c7e9f24"
VOICE_NUMBER = "+14165550100"
NUMBER = "+919876543210"
WEBHOOK_URL = "https://your-domain.com/telephony/exotel/inbound/support-agent"
CHECKED_AT = "2026-03-18T10:05:00"

ACTIVE_PROVIDER: dict[str, Any] = {"provider": "sinch", "phoneNumber": VOICE_NUMBER}
DIALER_TOKEN: dict[str, Any] = {
    "provider": "sinch",
    "token": "eyJhbGciOiJIUzI1NiJ9.example.example",
    "identity": f"user_{USER_ID.replace('-', '')}",
    "expiresAt": "2026-03-18T11:00:00Z",
}
VOICE_CONFIG: dict[str, Any] = {
    "activeProvider": "sinch",
    "providers": [
        {"provider": "twilio", "isEnabled": False, "isConfigured": False},
        {
            "provider": "sinch",
            "isEnabled": True,
            "isConfigured": True,
            "phoneNumber": VOICE_NUMBER,
            "sinchApplicationKey": "sinch-app-key-xxxx",
            "sinchApplicationSecret": "sinch-app-secret-xxxx",
        },
    ],
    "userPhoneNumbers": [
        {
            "provider": "sinch",
            "phoneNumber": VOICE_NUMBER,
            "isDefault": True,
            "isInboundEnabled": True,
            "aiEnabled": False,
            "label": "Main line",
        }
    ],
}
VOICE_CONFIG_CHANGES: dict[str, Any] = {
    "provider": "sinch",
    "isEnabled": True,
    "phoneNumber": VOICE_NUMBER,
    "sinchApplicationKey": "sinch-app-key-xxxx",
    "sinchApplicationSecret": "sinch-app-secret-xxxx",
}
ACTIVE_CHOICE: dict[str, Any] = {"provider": "sinch", "reason": "Twilio has an outage."}
VOICE_AI_CONFIG: dict[str, Any] = {
    "aiVoiceProvider": "elevenlabs",
    "hasApiKey": True,
    "hasToolSecret": True,
    "hasEstCredentials": True,
    "sinchEstProjectId": "sinch-est-project-abc",
    "sinchEstTrunkId": "sinch-est-trunk-xyz",
    "sinchEstTrunkDomain": "example.sip.sinch.com",
    "phoneNumbers": [
        {
            "provider": "sinch",
            "phoneNumber": VOICE_NUMBER,
            "isDefault": True,
            "isInboundEnabled": True,
            "aiEnabled": True,
            "aiAgentId": "agent_6401kabc",
            "elevenlabsPhoneNumberId": "eleven-pn-abc123",
            "label": "Main line",
            "userName": "Alex Rep",
            "userId": USER_ID,
        }
    ],
}
VOICE_AI_CHANGES: dict[str, Any] = {
    "aiVoiceProvider": "elevenlabs",
    "elevenlabsApiKey": "sk_eleven_xxxxxxxxxxxxxxxx",
    "generateToolSecret": True,
    "sinchEstProjectId": "sinch-est-project-abc",
    "sinchEstTrunkId": "sinch-est-trunk-xyz",
    "sinchEstTrunkDomain": "example.sip.sinch.com",
}

TELEPHONY: dict[str, Any] = {
    "provider": "twilio",
    "public_base_url": "https://your-domain.com",
    "twilio_account_sid": "AC" + "0123456789abcdef" * 2,
    "twilio_auth_token": "your_auth_token",
    "twilio_phone_number": "+15551234567",
    "twilio_max_concurrent": 10,
    "exotel_account_sid": None,
    "exotel_api_key": None,
    "exotel_api_token": None,
    "exotel_phone_number": None,
    "exotel_api_base": None,
    "exotel_max_concurrent": 5,
    "vobiz_auth_id": None,
    "vobiz_auth_token": None,
    "vobiz_phone_number": None,
    "vobiz_max_concurrent": 5,
}
TELEPHONY_CHANGES: dict[str, Any] = {
    "twilio": {
        "provider": "twilio",
        "public_base_url": "https://your-domain.com",
        "twilio_account_sid": "AC" + "0123456789abcdef" * 2,
        "twilio_auth_token": "your_auth_token",
        "twilio_phone_number": "+15551234567",
        "twilio_max_concurrent": 10,
    },
    "exotel": {
        "provider": "exotel",
        "public_base_url": "https://your-domain.com",
        "exotel_account_sid": "your_sid",
        "exotel_api_key": "your_api_key",
        "exotel_api_token": "your_api_token",
        "exotel_phone_number": NUMBER,
        "exotel_api_base": "https://api.exotel.com",
        "exotel_max_concurrent": 5,
    },
    "vobiz": {
        "provider": "vobiz",
        "public_base_url": "https://your-domain.com",
        "vobiz_auth_id": "your_auth_id",
        "vobiz_auth_token": "your_auth_token",
        "vobiz_phone_number": NUMBER,
        "vobiz_max_concurrent": 5,
    },
}
TELEPHONY_SAVED: dict[str, Any] = {
    name: value for name, value in TELEPHONY.items() if not name.endswith(("_token", "_key"))
}

NEW_ENDPOINT: dict[str, Any] = {
    "phone_number": NUMBER,
    "provider": "exotel",
    "inbound_agent_name": "support-agent",
    "outbound_agent_name": "sales-agent",
    "label": "Main support line",
}
ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID,
    **NEW_ENDPOINT,
    "is_active": True,
    "created_at": "2026-03-18T10:00:00",
    "inbound_webhook_url": WEBHOOK_URL,
    "proven_at": "2026-03-18T11:30:00",
    "version": 1,
}
ENDPOINT_CHANGES: dict[str, Any] = {"inbound_agent_name": "support-agent", "label": "Main support line"}
ENDPOINT_BATCH: dict[str, Any] = {
    "endpoints": [NEW_ENDPOINT, {"id": OTHER_ENDPOINT_ID, "version": 3, "label": "Night line"}]
}
SAVED_ENDPOINTS: dict[str, Any] = {
    "created": 1,
    "updated": 1,
    "unchanged": 0,
    "endpoints": [
        ENDPOINT,
        ENDPOINT
        | {"id": OTHER_ENDPOINT_ID, "phone_number": "+919876543211", "label": "Night line", "version": 4},
    ],
}
RESOLUTION: dict[str, Any] = {
    "phone_number": NUMBER,
    "direction": "inbound",
    "endpoint_id": ENDPOINT_ID,
    "provider": "exotel",
    "agent_name": "support-agent",
    "inbound_webhook_url": WEBHOOK_URL,
    "ready": True,
    "blocked_reason": None,
    "health": "healthy",
    "health_reason": None,
    "health_detail": "Exotel calls the right URL for this number.",
    "proven": True,
}
OBSERVATION: dict[str, Any] = {
    "in_sync": True,
    "reason": None,
    "detail": "Exotel calls the right URL for this number.",
    "warnings": [],
    "expected": WEBHOOK_URL,
    "actual": WEBHOOK_URL,
    "checked_at": CHECKED_AT,
}

CALL_WEBHOOK: dict[str, Any] = {
    "state": "impaired",
    "reason": "The last delivery failed.",
    "url": f"https://patchbay.example.com/api/webhook/elevenlabs/{ORGANIZATION_ID}",
    "last_failure": {"at": f"{CHECKED_AT}Z", "status": 502},
    "auto_disabled_at": None,
    "since": f"{CHECKED_AT}Z",
    "checked_at": f"{CHECKED_AT}Z",
}

LAST_CALL: dict[str, Any] = {
    "state": "connected",
    "detail": "Answered.",
    "last_call": {"started_at": f"{CHECKED_AT}Z", "outcome": "answered", "reason": "Answered."},
    "webhook_failure": None,
    "problem": None,
    "since": None,
    "checked_at": f"{CHECKED_AT}Z",
}

WEBHOOK_TEST_REQUEST: dict[str, Any] = {"signed": True}
WEBHOOK_TEST: dict[str, Any] = {
    "ok": True,
    "code": "connects",
    "reason": "Answers in 212 ms with Response: Connect.",
    "latency_ms": 212,
    "limit_ms": 10000,
    "tests": [
        {
            "name": "signed",
            "ok": True,
            "code": "connects",
            "reason": "Answers in 212 ms with Response: Connect.",
            "status": 200,
            "latency_ms": 212,
        }
    ],
    "tested_at": "2026-03-18T10:00:00Z",
}

JOB_ID = "5b0f3c1e-8a55-4a44-9f0c-2f1d3a6f7e21"
WEBHOOK_TARGETS: dict[str, Any] = {"ids": [ENDPOINT_ID, OTHER_ENDPOINT_ID]}
WEBHOOK_TARGETS_BY_FILTER: dict[str, Any] = {"filter": {"provider": "twilio", "health": "unhealthy"}}
STARTED_JOB: dict[str, Any] = {
    "id": JOB_ID,
    "url": f"https://patchbay.example.com/api/settings/jobs/{JOB_ID}",
}
JOB: dict[str, Any] = {
    "id": JOB_ID,
    "kind": "set_webhooks",
    "state": "done",
    "total": 2,
    "done": 2,
    "failed": 1,
    "problem": None,
    "created_at": "2026-03-18T10:00:00Z",
    "finished_at": "2026-03-18T10:00:03Z",
}
JOB_RESULTS: list[dict[str, Any]] = [
    {
        "endpoint_id": ENDPOINT_ID,
        "phone_number": "+15551234567",
        "ok": True,
        "code": "in_sync",
        "reason": "Twilio calls the right URL for this number.",
    },
    {
        "endpoint_id": OTHER_ENDPOINT_ID,
        "phone_number": "+919876543211",
        "ok": False,
        "code": "cannot_point",
        "reason": "The webhook at Exotel cannot be set from Patchbay.",
    },
]

VERIFIED_CREDENTIALS: dict[str, Any] = {"twilio_auth_token": "your_new_auth_token"}
VERIFICATION: dict[str, Any] = {
    "ok": True,
    "code": "ok",
    "reason": "Twilio accepts the account SID and auth token.",
    "checked_at": CHECKED_AT,
}
OWNED_NUMBER: dict[str, Any] = {
    "phone_number": "+15551234567",
    "label": "Front desk",
    "state": "unmapped",
    "webhook_url": None,
}

ASSIGNMENT: dict[str, Any] = {
    "userId": USER_ID,
    "provider": "sinch",
    "phoneNumber": VOICE_NUMBER,
    "label": "Main line",
}
USER_NUMBER: dict[str, Any] = {
    "provider": "sinch",
    "phoneNumber": VOICE_NUMBER,
    "isDefault": True,
    "isInboundEnabled": True,
    "aiEnabled": False,
    "label": "Main line",
    "userId": USER_ID,
    "userName": "Alex Rep",
    "id": ASSIGNMENT_ID,
    "version": 1,
}
AI_CHOICE: dict[str, Any] = {"aiEnabled": True, "aiAgentId": "agent_6401kabc"}
AI_NUMBER: dict[str, Any] = USER_NUMBER | {
    "aiEnabled": True,
    "aiAgentId": "agent_6401kabc",
    "elevenlabsPhoneNumberId": "eleven-pn-abc123",
}

ASSIGNMENT_CHANGES: dict[str, Any] = {"label": "Main line", "isDefault": True}

ORGANIZATION: dict[str, Any] = {
    "id": ORGANIZATION_ID,
    "name": "Acme Support",
    "slug": "acme-support",
    "country": "IN",
    "public_base_url": "https://your-domain.com",
    "reads_last_calls": False,
    "created_at": "2026-03-18T09:00:00Z",
    "version": 2,
}
NEW_ORGANIZATION: dict[str, Any] = {"name": "Acme Support"}
ORGANIZATION_CHANGES: dict[str, Any] = {"country": "IN", "public_base_url": "https://your-domain.com"}
USER: dict[str, Any] = {
    "id": USER_ID,
    "email": "alex@example.com",
    "name": "Alex Rep",
    "role": "member",
    "is_active": True,
    "two_step_sign_in": False,
    "last_signed_in_at": "2026-03-18T10:00:00Z",
    "created_at": "2026-03-18T09:30:00Z",
    "version": 1,
    "voice_phone_numbers": [
        {
            "provider": "sinch",
            "phoneNumber": VOICE_NUMBER,
            "isDefault": True,
            "isInboundEnabled": True,
            "aiEnabled": False,
            "label": "Main line",
        }
    ],
}
NEW_USER: dict[str, Any] = {
    "email": "alex@example.com",
    "name": "Alex Rep",
    "role": "member",
}
INVITATION: dict[str, Any] = {
    "purpose": "invitation",
    "url": "https://patchbay.example.com/password#example",
    "expires_at": "2026-03-25T10:00:00Z",
}
USER_CHANGES: dict[str, Any] = {"name": "Alex Rep", "is_active": True}
NEW_TOKEN: dict[str, Any] = {"name": "Dialer in Pune", "expires_days": 90}
TOKEN: dict[str, Any] = {
    "id": TOKEN_ID,
    "name": "Dialer in Pune",
    "scopes": [],
    "is_sign_in": False,
    "created_at": "2026-03-18T10:00:00Z",
    "expires_at": "2026-06-16T10:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
ISSUED_TOKEN: dict[str, Any] = TOKEN | {
    "token": "eyJhbGciOiJIUzI1NiJ9.example.example",
    "token_type": "Bearer",
}
AUDIT_EVENT: dict[str, Any] = {
    "id": 4711,
    "at": "2026-03-18T10:05:00.123456Z",
    "organization_id": ORGANIZATION_ID,
    "actor_id": USER_ID,
    "actor_name": "alex@example.com",
    "ip": "203.0.113.7",
    "request_id": "9f86d081884c7d65",
    "action": "endpoint.saved",
    "subject": NUMBER,
    "changes": {"label": ["Support line", "Main support line"]},
    "numbers_digest": None,
    "digest": "5f0c6e2a9b7d4c81",
}

CREDENTIALS: dict[str, Any] = {"email": "alex@example.com", "password": "a long example password"}
SIGNED_IN: dict[str, Any] = {
    "token": "eyJhbGciOiJIUzI1NiJ9.example.example",
    "token_type": "Bearer",
    "expires_at": "2026-03-18T22:00:00Z",
}

ME: dict[str, Any] = {
    "user": {"id": USER_ID, "name": "Alex Rep", "email": "alex@example.com", "role": "superadmin"},
    "organization": {"id": ORGANIZATION_ID, "name": "Acme Support", "slug": "acme-support"},
    "scopes": ["secrets"],
    "expires_at": "2026-03-18T22:00:00Z",
}

CALL_EVENT: dict[str, Any] = {
    "type": "post_call_transcription",
    "event_timestamp": 1773828300,
    "data": {"conversation_id": "conv_6401kabc", "agent_id": "agent_6401kabc", "status": "done"},
}


def saved(message: str) -> dict[str, Any]:
    return {"success": True, "message": message}
