"""Values that cannot be right: each is refused with the name of its field, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.api.openapi import document
from app.api.operations import OPERATIONS, Operation
from app.provider import Family
from app.providers import PROVIDERS
from tests.security.conftest import Clients
from tests.support import contract
from tests.support.caller import fields, sentence
from tests.support.full_organization import Furnished
from tests.support.pages import Portal
from tests.support.routes import operation_path
from tests.support.rows import unchanged

ENDPOINTS = "/api/settings/endpoints"
SETTINGS = "/api/settings/telephony"
CONFIG = "/api/calls/providers/config"
VOICE_AI = "/api/calls/voice-ai/config"
JSON = "application/json"
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
SERVING = [
    (family, provider.key)
    for provider in PROVIDERS.values()
    for family in provider.families
    if family is not Family.VOICE_AI
]

# Bodies that two parsers may read differently

MALFORMED = {
    "empty": (b"", "is not JSON"),
    "spaces": (b"   ", "is not JSON"),
    "half": (b'{"provider": ', "is not JSON"),
    "two values": (b"{} {}", "is not JSON"),
    "single quotes": (b"{'a': 1}", "is not JSON"),
    "trailing comma": (b'{"a": 1,}', "is not JSON"),
    "comment": (b"{} // done", "is not JSON"),
    "raw line break": (b'{"label": "a\nb"}', "is not JSON"),
    "duplicate key": (b'{"provider": "twilio", "provider": "sinch"}', '"provider" appears twice'),
    "duplicate key, escaped": (b'{"a": 1, "\\u0061": 2}', '"a" appears twice'),
    "duplicate key, deep": (b'{"x": [{"a": 1, "a": 1}]}', '"a" appears twice'),
    "NaN": (b'{"twilio_max_concurrent": NaN}', "NaN is not JSON"),
    "Infinity": (b'{"twilio_max_concurrent": Infinity}', "Infinity is not JSON"),
    "-Infinity": (b'{"twilio_max_concurrent": -Infinity}', "-Infinity is not JSON"),
    "too large a number": (b'{"twilio_max_concurrent": 1e999}', "too large"),
    "too long a number": (b'{"twilio_max_concurrent": ' + b"9" * 5000 + b"}", "too long"),
    "too deep": (b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}", "nested"),
    "far too deep": (b"[" * 100_000 + b"]" * 100_000, "nested"),
    "far too deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested"),
    "only opened": (b"[" * 100_000, ""),
    "NUL": (b'{"label": "a\\u0000b"}', "NUL"),
    "NUL in a key": (b'{"a\\u0000b": 1}', "NUL"),
    "raw NUL": (b'{"label": "a\x00b"}', "is not JSON"),
    "lone surrogate": (b'{"label": "\\ud800"}', "surrogate"),
    "lone surrogate in a key": (b'{"\\udfff": 1}', "surrogate"),
    "surrogate twice": (b'{"\\ud800": 1, "\\ud800": 1}', "twice"),
    "Latin-1": ('{"label": "Línea"}'.encode("latin-1"), "not UTF-8"),
    "UTF-16": ('{"label": "x"}'.encode("utf-16"), "not UTF-8"),
    "raw surrogate": (b'{"label": "\xed\xa0\x80"}', "not UTF-8"),
    "binary": (bytes(range(256)), ""),
}


def name_of(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


@pytest.mark.asvs("1.5.3")
@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
def test_a_body_that_is_not_json_to_every_parser_is_400(
    app: Flask, here: Furnished, api: Clients, operation: Operation
) -> None:
    path = operation_path(operation, here)
    with unchanged(app):
        for name, (data, part) in MALFORMED.items():
            if not data and operation.path.endswith("/verify"):
                continue  # its body may be left out
            answer = api.dana.call(operation.method, path, data=data, content_type=JSON)
            assert (answer.status_code, answer.get_json()["code"]) == (400, "MALFORMED_REQUEST"), name
            assert part in sentence(answer), name


# A table of bad values for each field

BAD_AGENTS: list[Any] = [
    "",
    " ",
    "a/b",
    "a\\b",
    ".",
    "..",
    "a\nb",
    "a\x7fb",
    "a\u2028b",
    "x" * 101,
    7,
    True,
    [],
]
BAD_ENDPOINT: list[tuple[str, Any]] = [
    ("phone_number", ""),
    ("phone_number", "919876543210"),
    ("phone_number", "+12"),
    ("phone_number", "+1234567890123456"),
    ("phone_number", "+91 98765 43210 ext 5"),
    ("phone_number", "+91987654321o"),
    ("phone_number", "9" * 50),
    ("phone_number", 919876543210),
    ("phone_number", None),
    ("phone_number", ["+919876543210"]),
    ("provider", "sinch"),
    ("provider", "elevenlabs"),
    ("provider", "Exotel"),
    ("provider", None),
    ("provider", {}),
    *((field, value) for field in ("inbound_agent_name", "outbound_agent_name") for value in BAD_AGENTS),
    ("label", "x" * 201),
    ("label", "two\nlines"),
    ("label", 5),
    ("is_active", None),
    ("is_active", "true"),
    ("is_active", 1),
    ("id", "mine"),
    ("created_at", "2026-03-18T10:00:00"),
    ("inbound_webhook_url", "https://evil.example"),
    ("organization_id", "another"),
    ("organizationId", "another"),
    ("phone", "+15551234567"),
]
BAD_SETTING: list[tuple[str, Any]] = [
    ("provider", "sinch"),
    ("provider", "Twilio"),
    ("provider", ""),
    ("twilio_account_sid", "AC123"),
    ("twilio_account_sid", ""),
    ("twilio_auth_token", ""),
    ("twilio_auth_token", "   "),
    ("twilio_auth_token", "••••••••1234"),
    ("twilio_auth_token", "********"),
    ("twilio_auth_token", "AC..."),
    ("twilio_auth_token", "a" * 501),
    ("twilio_auth_token", "two words"),
    ("twilio_phone_number", "5551234567"),
    ("twilio_phone_number", "+0123"),
    ("twilio_phone_number", "+1555123456789012"),
    ("twilio_phone_number", "call me"),
    ("twilio_max_concurrent", 0),
    ("twilio_max_concurrent", -1),
    ("twilio_max_concurrent", 1001),
    ("twilio_max_concurrent", 10**30),
    ("twilio_max_concurrent", 1.5),
    ("twilio_max_concurrent", "10"),
    ("twilio_max_concurrent", True),
    ("exotel_api_base", "https://evil.example"),
    ("exotel_api_base", "http://api.exotel.com"),
    ("exotel_api_base", "https://api.exotel.com@evil.example"),
    ("exotel_api_base", "https://api.exotel.com/path"),
    ("exotel_api_base", "https://api.exotel.com?x"),
    ("exotel_api_base", "https://["),
    ("exotel_api_base", ""),
    ("vobiz_auth_id", "a" * 201),
    ("vobiz_auth_id", "line\nbreak"),
]
BAD_VOICE: dict[str, list[Any]] = {
    "provider": ["exotel", "elevenlabs", "", "Twilio", None, 5, []],
    "phoneNumber": ["", "5551234567", "+1", "hello", 15551234567, "+1 555 123 4567 x9"],
    "twilioAccountSid": ["", "AC1", "SK" + "0" * 32, "AC" + "-" * 32, 5],
    "twilioAuthToken": ["", "  ", "••••", "****1234", "a...b", "two words", "a\u200bb", "x" * 501, 5],
    "twilioApiKeySid": ["AC" + "0" * 32, "SK"],
    "twilioApiKeySecret": ["", "…abcd", "line\nbreak"],
    "twilioTwimlAppSid": ["AC" + "0" * 32],
    "twilioServiceSid": ["mg" + "0" * 32],
    "isEnabled": [None, "true", 1],
}
BAD_VOICE_AI: list[tuple[str, Any]] = [
    ("aiVoiceProvider", "twilio"),
    ("aiVoiceProvider", ""),
    ("elevenlabsApiKey", ""),
    ("elevenlabsApiKey", "   "),
    ("elevenlabsApiKey", "••••abcd"),
    ("elevenlabsApiKey", "a" * 501),
    ("sinchEstKeySecret", "***"),
    ("sinchEstTrunkDomain", ""),
    ("generateToolSecret", "yes"),
    ("sinchEstProjectId", 5),
]
TABLES: dict[str, tuple[str, str, dict[str, Any], list[tuple[str, Any]]]] = {
    "endpoint": ("POST", ENDPOINTS, contract.ENDPOINT_EXAMPLE, BAD_ENDPOINT),
    "telephony": ("PUT", SETTINGS, {"public_base_url": "https://voice.example.com"}, BAD_SETTING),
    "voice": ("POST", CONFIG, {"provider": "twilio"}, [(f, v) for f in BAD_VOICE for v in BAD_VOICE[f]]),
    "voice AI": ("POST", VOICE_AI, {"sinchEstTrunkId": "fine"}, BAD_VOICE_AI),
}
WRONG_TYPES: dict[str, list[Any]] = {
    "string": [5, True, 1.5, [], ["x"], {}, {"x": "y"}],
    "integer": ["5", True, 1.5, [], {}, "", 10**30, -(10**30)],
    "boolean": ["true", 1, 0, [], {}, "", 1.0],
}


@pytest.mark.asvs("2.2.1", "15.3.3")
@pytest.mark.parametrize("table", TABLES)
def test_a_bad_value_is_refused_by_the_name_of_its_field(app: Flask, api: Clients, table: str) -> None:
    """Beside a right value: nothing is saved. Globex has no country to complete a number with."""
    method, path, right, bad = TABLES[table]
    with unchanged(app):
        for field, value in bad:
            assert fields(api.gus.call(method, path, json=right | {field: value})) == {field}, value


def types_of(schema: dict[str, Any], described: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return types_of(described["components"]["schemas"][schema["$ref"].split("/")[-1]], described)
    if "anyOf" in schema:
        return set().union(*(types_of(found, described) for found in schema["anyOf"]))
    return {schema["type"]}


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize("operation", WITH_BODY, ids=name_of)
def test_a_wrong_type_is_refused_for_every_documented_field(
    app: Flask, here: Furnished, api: Clients, operation: Operation
) -> None:
    described = document()
    path = operation.path.replace("<", "{").replace(">", "}")
    body = described["paths"][path][operation.method.lower()]["requestBody"]
    name = body["content"][JSON]["schema"]["$ref"].split("/")[-1]
    address = operation_path(operation, here)
    with unchanged(app):
        for field, schema in described["components"]["schemas"][name]["properties"].items():
            types = types_of(schema, described)
            wrong = WRONG_TYPES[next(iter(types - {"null"}))]
            for value in wrong if "null" in types else [*wrong, None]:
                answer = api.dana.call(operation.method, address, json={field: value})
                assert field in fields(answer), f"{field} = {value!r}: {answer.text}"


@pytest.mark.asvs("2.2.1")
@pytest.mark.parametrize(
    "case",
    [
        ("endpoints/new", "Add endpoint", "phone_number", "call me"),
        ("endpoints/new", "Add endpoint", "inbound_agent_name", "a/b"),
        ("providers/twilio", "Save", "twilio_account_sid", "AC1"),
        ("settings", "Save", "public_base_url", "http://x"),
        ("settings", "Save", "name", ""),
        ("people/new", "Add person", "email", "nobody"),
    ],
)
def test_a_form_refuses_it_beside_the_field(app: Flask, dana: Portal, case: tuple[str, ...]) -> None:
    path, button, field, typed = case
    with unchanged(app, but=("throttles", "sessions", "audit_events")):
        page = dana.get(f"/o/acme-support/{path}").press(button, 422, **{field: typed})
        assert page.error(field)
        assert page.value(field) == typed


# What cannot be yet


@pytest.mark.asvs("2.2.3")
@pytest.mark.parametrize(("family", "key"), SERVING)
def test_a_provider_without_its_fields_cannot_be_chosen(
    app: Flask, gus: Portal, family: Family, key: str
) -> None:
    """Globex has stored nothing."""
    page = gus.get(f"/o/globex/active/{family}?provider={key}")
    with unchanged(app):
        page = page.press(f"Make {PROVIDERS[key].label} active")
    assert f"{PROVIDERS[key].label} is not configured. It needs " in page.notes


@pytest.mark.asvs("2.2.3")
def test_nor_by_the_api(app: Flask, api: Clients) -> None:
    with unchanged(app):
        sent = {"public_base_url": "https://voice.example", "provider": "vobiz", "vobiz_auth_id": "id"}
        refused = api.gus.put(SETTINGS, sent)
        assert (refused.status_code, "vobiz_auth_token" in sentence(refused)) == (409, True)
        refused = api.gus.post("/api/calls/providers/active", {"provider": "sinch"})
        assert (refused.status_code, "sinchApplicationSecret" in sentence(refused)) == (409, True)
