"""Values that cannot be right: each is refused with the name of its field, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from app.api.document import document
from app.api.operations import OPERATIONS
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
    "empty": b"",
    "spaces": b"   ",
    "half": b'{"provider": ',
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "trailing comma": b'{"a": 1,}',
    "comment": b"{} // done",
    "raw line break": b'{"label": "a\nb"}',
    "duplicate key": b'{"provider": "twilio", "provider": "sinch"}',
    "duplicate key, escaped": b'{"a": 1, "\\u0061": 2}',
    "duplicate key, deep": b'{"x": [{"a": 1, "a": 1}]}',
    "NaN": b'{"twilio_max_concurrent": NaN}',
    "Infinity": b'{"twilio_max_concurrent": Infinity}',
    "-Infinity": b'{"twilio_max_concurrent": -Infinity}',
    "too large a number": b'{"twilio_max_concurrent": 1e999}',
    "too long a number": b'{"twilio_max_concurrent": ' + b"9" * 5000 + b"}",
    "too deep": b'{"x": ' + b"[" * 40 + b"]" * 40 + b"}",
    "far too deep": b"[" * 100_000 + b"]" * 100_000,
    "far too deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "only opened": b"[" * 100_000,
    "NUL": b'{"label": "a\\u0000b"}',
    "NUL in a key": b'{"a\\u0000b": 1}',
    "raw NUL": b'{"label": "a\x00b"}',
    "lone surrogate": b'{"label": "\\ud800"}',
    "lone surrogate in a key": b'{"\\udfff": 1}',
    "surrogate twice": b'{"\\ud800": 1, "\\ud800": 1}',
    "Latin-1": '{"label": "Línea"}'.encode("latin-1"),
    "UTF-16": '{"label": "x"}'.encode("utf-16"),
    "raw surrogate": b'{"label": "\xed\xa0\x80"}',
    "binary": bytes(range(256)),
}


@pytest.mark.asvs("1.5.3")
def test_malformed_json_is_400(app: Flask, here: Furnished, api: Clients, thorough: bool) -> None:
    """Each kind once; for every other operation that takes a body, one of two kinds; thorough, both."""
    wrong = []
    with unchanged(app):
        for place, operation in enumerate(WITH_BODY):
            both = ("half", "duplicate key")
            for name in MALFORMED if place == 0 else both if thorough else both[place % 2 :][:1]:
                path, data = operation_path(operation, here), MALFORMED[name]
                answer = api.dana.call(operation.method, path, data=data, content_type=JSON)
                if (answer.status_code, answer.get_json()["code"]) != (400, "MALFORMED_REQUEST"):
                    wrong.append(f"{operation.method} {path}, {name}: {answer.text}")
    assert wrong == []


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
    ("aiVoiceProvider", "sinch_est"),
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
TABLES: list[tuple[str, str, dict[str, Any], list[tuple[str, Any]]]] = [
    ("POST", ENDPOINTS, contract.ENDPOINT_EXAMPLE, BAD_ENDPOINT),
    ("PUT", SETTINGS, {"public_base_url": "https://voice.example.com"}, BAD_SETTING),
    ("POST", CONFIG, {"provider": "twilio"}, [(f, v) for f in BAD_VOICE for v in BAD_VOICE[f]]),
    ("POST", VOICE_AI, {"sinchEstTrunkId": "fine"}, BAD_VOICE_AI),
]
WRONG_TYPES: dict[str, list[Any]] = {
    "string": [5, True, 1.5, [], ["x"], {}, {"x": "y"}],
    "integer": ["5", True, 1.5, [], {}, "", 10**30, -(10**30)],
    "boolean": ["true", 1, 0, [], {}, "", 1.0],
    "array": ["x", 5, True, {}],
    "object": ["x", 5, True, []],
}


@pytest.mark.asvs("2.2.1", "15.3.3")
def test_a_bad_value_is_422_and_names_its_field(
    app: Flask, api: Clients, dana: Portal, thorough: bool
) -> None:
    """Beside a right value: nothing is saved. Globex has no country to complete a number with. A form has
    the error beside the field. One value in two; thorough, each."""
    wrong = []
    with unchanged(app):
        for method, path, right, bad in TABLES:
            for field, value in bad[:: 1 if thorough else 2]:
                answer = api.gus.call(method, path, json=right | {field: value})
                if answer.status_code != 422 or fields(answer) != {field}:
                    wrong.append(f"{path} {field} = {value!r}: {answer.text}")
    assert wrong == []

    with unchanged(app, but=("throttles", "sessions", "audit_events")):
        for path, button, field, typed in (
            ("endpoints/new", "Add endpoint", "phone_number", "call me"),
            ("endpoints/new", "Add endpoint", "inbound_agent_name", "a/b"),
            ("providers/twilio", "Save", "twilio_account_sid", "AC1"),
            ("settings", "Save", "public_base_url", "http://x"),
            ("settings", "Save", "name", ""),
            ("people/new", "Create invitation", "email", "no address"),
        ):
            page = dana.get(f"/o/acme-support/{path}").press(button, 422, **{field: typed})
            assert page.error(field), field
            assert page.value(field) == typed


def types_of(schema: dict[str, Any], described: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return types_of(described["components"]["schemas"][schema["$ref"].split("/")[-1]], described)
    if "anyOf" in schema:
        return set().union(*(types_of(variant, described) for variant in schema["anyOf"]))
    return {schema["type"]}


def choices_of(schema: dict[str, Any], described: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas of a body, which has one for each provider if their fields differ."""
    if "oneOf" not in schema:
        return [{"properties": {}} | schema]
    names = [choice["$ref"].split("/")[-1] for choice in schema["oneOf"]]
    return [described["components"]["schemas"][name] for name in names]


@pytest.mark.asvs("2.2.1")
def test_a_wrong_type_is_422_for_every_documented_field(
    app: Flask, here: Furnished, api: Clients, thorough: bool
) -> None:
    """Every other field with a value of one other type or of none, in turn; thorough, each with each."""
    described, accepted = document(), []
    with unchanged(app):
        for operation in WITH_BODY:
            path = operation.path.replace("<", "{").replace(">", "}")
            body = described["paths"][path][operation.method.lower()]["requestBody"]
            name = body["content"][JSON]["schema"]["$ref"].split("/")[-1]
            for chosen in choices_of(described["components"]["schemas"][name], described):
                properties = chosen["properties"]
                right = {field: schema["const"] for field, schema in properties.items() if "const" in schema}
                for field, value in _wrong(properties, described, thorough=thorough):
                    address = operation_path(operation, here)
                    answer = api.dana.call(operation.method, address, json=right | {field: value})
                    if answer.status_code != 422 or field not in fields(answer):
                        accepted.append(f"{path} {field} = {value!r}: {answer.text}")
    assert accepted == []


def _wrong(
    properties: dict[str, Any], described: dict[str, Any], *, thorough: bool
) -> Iterator[tuple[str, Any]]:
    """Each field with values of another type."""
    for place, (field, schema) in enumerate(properties.items()):
        if place % 2 and not thorough:
            continue
        types = types_of(schema, described)
        values = WRONG_TYPES[next(iter(types - {"null"}))]
        wrong = [*values, *([None] if "null" not in types else [])]
        for value in wrong if thorough else [wrong[place % len(wrong)]]:
            yield field, value


@pytest.mark.asvs("2.2.3")
def test_a_provider_without_its_fields_cannot_be_made_active(app: Flask, gus: Portal, api: Clients) -> None:
    """Globex has stored no credentials."""
    with unchanged(app):
        for family, key in SERVING:
            page = gus.get(f"/o/globex/active/{family}?provider={key}")
            page = page.press(f"Make {PROVIDERS[key].label} the default")
            assert PROVIDERS[key].label in page.notes, key
        payload = {"public_base_url": "https://voice.example", "provider": "vobiz", "vobiz_auth_id": "id"}
        refused = api.gus.put(SETTINGS, payload)
        assert (refused.status_code, "vobiz_auth_token" in sentence(refused)) == (409, True)
        refused = api.gus.post("/api/calls/providers/active", {"provider": "sinch"})
        assert (refused.status_code, "sinchApplicationSecret" in sentence(refused)) == (409, True)
