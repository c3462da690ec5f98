"""The documents that Patchbay implements, re-typed as facts: names, types, what may be null.

The calls API is OpenAPI 3.0, so `nullable` stands beside `type`; the settings pages have examples
and a table, from which the schemas at the end are read.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from app.provider import Family
from app.providers import PROVIDERS, keys_in

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
COUNT = {"type": "integer"}
NULLABLE_TEXT = {"type": "string", "nullable": True}
VOICE = {"type": "string", "enum": keys_in(Family.VOICE)}
ACTIVE = {"type": "string", "nullable": True, "enum": [*keys_in(Family.VOICE), None]}
TELEPHONY = {"type": "string", "enum": keys_in(Family.TELEPHONY)}
CARRIERS = sorted({provider.numbers_of for provider in PROVIDERS.values()} - {""})
"""Of the numbers that voice agents can answer."""
DETAILS = {"type": "array", "items": {"type": "object", "additionalProperties": True}}


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": True,
    }


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


_NUMBER = {
    "phoneNumber": TEXT,
    "isDefault": FLAG,
    "isInboundEnabled": FLAG,
    "aiEnabled": FLAG,
    "aiAgentId": TEXT,
    "elevenlabsPhoneNumberId": TEXT,
    "label": TEXT,
}

TELEPHONY_TEXTS = (
    "twilio_account_sid",
    "twilio_auth_token",
    "twilio_phone_number",
    "exotel_account_sid",
    "exotel_api_key",
    "exotel_api_token",
    "exotel_phone_number",
    "exotel_api_base",
    "vobiz_auth_id",
    "vobiz_auth_token",
    "vobiz_phone_number",
)
TELEPHONY_COUNTS = {"twilio_max_concurrent": 10, "exotel_max_concurrent": 5, "vobiz_max_concurrent": 5}
TELEPHONY_SECRETS = (
    "twilio_auth_token",
    "exotel_api_key",
    "exotel_api_token",
    "vobiz_auth_token",
)
VOICE_SECRETS = ("twilioAuthToken", "twilioApiKeySecret", "sinchApplicationSecret")
ENDPOINT = (
    "id",
    "phone_number",
    "provider",
    "inbound_agent_name",
    "outbound_agent_name",
    "label",
    "is_active",
    "created_at",
    "inbound_webhook_url",
)

SCHEMAS: dict[str, Any] = {
    "CallsActiveProviderResponse": _object({"provider": ACTIVE, "phoneNumber": NULLABLE_TEXT}),
    "CallsErrorResponse": _object(
        {
            "success": {"type": "boolean", "enum": [False]},
            "error": {"oneOf": [TEXT, _object({"code": TEXT, "message": TEXT, "details": DETAILS})]},
            "code": TEXT,
        }
    ),
    "CallsVoiceProviderConfigResponse": _object(
        {
            "activeProvider": ACTIVE,
            "providers": _list("CallsVoiceProviderConfigItem"),
            "userPhoneNumbers": _list("CallsUserPhoneNumberEntry"),
        }
    ),
    "CallsVoiceProviderConfigItem": _object(
        {
            "provider": VOICE,
            "isEnabled": FLAG,
            "isConfigured": FLAG,
            "phoneNumber": TEXT,
            "twilioAccountSid": TEXT,
            "twilioAuthToken": TEXT,
            "twilioApiKeySid": TEXT,
            "twilioApiKeySecret": TEXT,
            "twilioTwimlAppSid": TEXT,
            "twilioServiceSid": TEXT,
            "sinchApplicationKey": TEXT,
            "sinchApplicationSecret": TEXT,
        }
    ),
    "CallsUserPhoneNumberEntry": _object({"provider": VOICE} | _NUMBER),
    "CallsVoiceAiConfigResponse": _object(
        {
            "aiVoiceProvider": NULLABLE_TEXT,
            "hasApiKey": FLAG,
            "hasToolSecret": FLAG,
            "hasEstCredentials": FLAG,
            "sinchEstProjectId": NULLABLE_TEXT,
            "sinchEstTrunkId": NULLABLE_TEXT,
            "sinchEstTrunkDomain": NULLABLE_TEXT,
            "phoneNumbers": _list("CallsVoiceAiOrgPhoneNumber"),
        }
    ),
    "CallsVoiceAiOrgPhoneNumber": _object(
        {"provider": {"type": "string", "enum": CARRIERS}} | _NUMBER | {"userName": TEXT, "userId": TEXT}
    ),
    "CallsSaveVoiceAiConfigRequest": _object(
        {
            "aiVoiceProvider": NULLABLE_TEXT,
            "elevenlabsApiKey": TEXT,
            "generateToolSecret": FLAG,
            "sinchEstKeyId": TEXT,
            "sinchEstKeySecret": TEXT,
            "sinchEstProjectId": TEXT,
            "sinchEstTrunkId": TEXT,
            "sinchEstTrunkDomain": TEXT,
        }
    ),
    "CallsSimpleSuccessResponse": _object(
        {"success": {"type": "boolean", "enum": [True]}, "message": TEXT}, "success"
    ),
    "Telephony": _object(
        {
            "provider": {
                "type": "string",
                "nullable": True,
                "enum": [*keys_in(Family.TELEPHONY), None],
            },
            "public_base_url": NULLABLE_TEXT,
        }
        | dict.fromkeys(TELEPHONY_TEXTS, NULLABLE_TEXT)
        | dict.fromkeys(TELEPHONY_COUNTS, COUNT),
        "provider",
        "public_base_url",
        *TELEPHONY_COUNTS,
    ),
    "Endpoint": _object(
        {
            "id": TEXT,
            "phone_number": {"type": "string", "pattern": r"^\+[1-9][0-9]{6,14}$"},
            "provider": TELEPHONY,
            "inbound_agent_name": NULLABLE_TEXT,
            "outbound_agent_name": NULLABLE_TEXT,
            "label": NULLABLE_TEXT,
            "is_active": FLAG,
            "created_at": {
                "type": "string",
                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$",
            },
            "inbound_webhook_url": NULLABLE_TEXT,
        },
        *ENDPOINT,
    ),
    "Endpoints": _list("Endpoint"),
}

ANSWERS = {
    ("GET", "/api/calls/providers"): "CallsActiveProviderResponse",
    ("GET", "/api/calls/providers/config"): "CallsVoiceProviderConfigResponse",
    ("POST", "/api/calls/providers/config"): "CallsSimpleSuccessResponse",
    ("DELETE", "/api/calls/providers/config/<provider>"): "CallsSimpleSuccessResponse",
    ("POST", "/api/calls/providers/active"): "CallsSimpleSuccessResponse",
    ("GET", "/api/calls/voice-ai/config"): "CallsVoiceAiConfigResponse",
    ("POST", "/api/calls/voice-ai/config"): "CallsSimpleSuccessResponse",
    ("GET", "/api/settings/telephony"): "Telephony",
    ("PUT", "/api/settings/telephony"): "Telephony",
    ("GET", "/api/settings/endpoints"): "Endpoints",
    ("POST", "/api/settings/endpoints"): "Endpoint",
    ("PUT", "/api/settings/endpoints/<endpoint_id>"): "Endpoint",
}

VOICE_CONFIG_EXAMPLE = {
    "provider": "sinch",
    "isEnabled": True,
    "isConfigured": True,
    "phoneNumber": "+14165550100",
    "sinchApplicationKey": "sinch-app-key-xxxx",
    "sinchApplicationSecret": "sinch-app-secret-xxxx",
}
VOICE_AI_EXAMPLE = {
    "aiVoiceProvider": "elevenlabs",
    "elevenlabsApiKey": "sk_eleven_xxxxxxxxxxxxxxxx",
    "generateToolSecret": True,
    "sinchEstProjectId": "sinch-est-project-abc",
    "sinchEstTrunkId": "sinch-est-trunk-xyz",
    "sinchEstTrunkDomain": "example.sip.sinch.com",
}
TELEPHONY_EXAMPLES = {
    "twilio": {
        "provider": "twilio",
        "public_base_url": "https://your-domain.com",
        "twilio_account_sid": "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
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
        "exotel_phone_number": "+919876543210",
        "exotel_api_base": "https://api.exotel.com",
        "exotel_max_concurrent": 5,
    },
    "vobiz": {
        "provider": "vobiz",
        "public_base_url": "https://your-domain.com",
        "vobiz_auth_id": "your_auth_id",
        "vobiz_auth_token": "your_auth_token",
        "vobiz_phone_number": "+919876543210",
        "vobiz_max_concurrent": 5,
    },
}
ENDPOINT_EXAMPLE = {
    "phone_number": "+919876543210",
    "provider": "exotel",
    "inbound_agent_name": "support-agent",
    "outbound_agent_name": "sales-agent",
    "label": "Main support line",
}


@cache
def validator(name: str) -> Draft202012Validator:
    """Of one of `SCHEMAS`."""
    schemas = {key: _without_nullable(schema) for key, schema in SCHEMAS.items()}
    root = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    return Draft202012Validator(root)


def _without_nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_without_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {key: _without_nullable(value) for key, value in schema.items() if key != "nullable"}
    if schema.get("nullable") is True:
        converted["type"] = [schema["type"], "null"]
    return converted
