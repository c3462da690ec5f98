"""The document is made from the code: it is valid, complete, and has the contract's names."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from openapi_spec_validator import validate

from app.api.document import document
from tests.support import contract
from tests.support.caller import Caller


def _routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD"}
    }


def _documented() -> set[tuple[str, str]]:
    return {
        (method.upper(), re.sub(r"{(\w+)}", r"<\1>", path))
        for path, methods in document()["paths"].items()
        for method in methods
    }


def test_document_is_valid(anonymous: Caller) -> None:
    answer = anonymous.get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json == document()
    validate(answer.json)


def test_document_has_exactly_the_routes(app: Flask) -> None:
    assert _routes(app) == _documented()


def test_document_has_the_operations_of_the_contract() -> None:
    expected = {
        "GET /api/calls/providers",
        "GET /api/calls/providers/config",
        "POST /api/calls/providers/config",
        "DELETE /api/calls/providers/config/<provider>",
        "POST /api/calls/providers/active",
        "POST /api/calls/token",
        "GET /api/calls/voice-ai/config",
        "POST /api/calls/voice-ai/config",
        "GET /api/settings/telephony",
        "PUT /api/settings/telephony",
        "GET /api/settings/endpoints",
        "POST /api/settings/endpoints",
        "PUT /api/settings/endpoints/<endpoint_id>",
        "DELETE /api/settings/endpoints/<endpoint_id>",
        "GET /api/settings/endpoints/resolve",
        "GET /api/settings/endpoints/<endpoint_id>/observe",
        "POST /api/settings/endpoints/<endpoint_id>/point",
        "GET /api/organizations/<organization_id>/phone-numbers",
        "POST /api/organizations/<organization_id>/phone-numbers",
        "DELETE /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
        "PUT /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>/ai",
        "POST /api/settings/providers/<provider>/verify",
        "POST /api/webhook/elevenlabs/<organization_id>",
        "GET /api/settings/providers/<provider>/numbers",
        "GET /api/me",
        "GET /api/settings/endpoints/<endpoint_id>",
        "POST /api/settings/endpoints/bulk",
        "GET /api/organizations",
        "POST /api/organizations",
        "GET /api/organizations/<organization_id>",
        "PUT /api/organizations/<organization_id>",
        "GET /api/organizations/<organization_id>/users",
        "POST /api/organizations/<organization_id>/users",
        "GET /api/organizations/<organization_id>/users/<user_id>",
        "PUT /api/organizations/<organization_id>/users/<user_id>",
        "GET /api/organizations/<organization_id>/users/<user_id>/tokens",
        "POST /api/organizations/<organization_id>/users/<user_id>/tokens",
        "GET /api/organizations/<organization_id>/users/<user_id>/tokens/<token_id>",
        "DELETE /api/organizations/<organization_id>/users/<user_id>/tokens/<token_id>",
        "GET /api/organizations/<organization_id>/audit",
        "GET /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
        "PUT /api/organizations/<organization_id>/phone-numbers/<user_id>/<provider>/<phone_number>",
        "POST /api/auth/login",
        "GET /api/openapi.json",
        "GET /api/docs",
    }
    assert {f"{method} {path}" for method, path in _documented()} == expected


def test_document_schemas_match_the_contract(subtests: pytest.Subtests) -> None:
    for name in sorted(name for name in contract.SCHEMAS if name not in ("Endpoints",)):
        with subtests.test(name=name):
            ours = document()["components"]["schemas"][name]["properties"]
            theirs = contract.SCHEMAS[name]["properties"]
            assert set(theirs) <= set(ours)
            for field, schema in theirs.items():
                types = _types(ours[field])
                if "type" in schema:
                    assert schema["type"] in types, field
                if schema.get("nullable"):
                    assert "null" in types, field


def test_document_schemas_are_null_only_as_in_the_contract(subtests: pytest.Subtests) -> None:
    for name in [name for name in contract.SCHEMAS if name.startswith("Calls") and "Save" not in name]:
        with subtests.test(name=name):
            ours = document()["components"]["schemas"][name]["properties"]
            for field, schema in contract.SCHEMAS[name]["properties"].items():
                if not schema.get("nullable"):
                    assert "null" not in _types(ours[field]), field


def _types(schema: dict) -> set[str]:
    if "$ref" in schema:
        return {"object"}
    if "anyOf" in schema:
        return set().union(*map(_types, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return {schema.get("type", "string")}
    return {schema["type"]}


def test_every_operation_has_summary_and_id() -> None:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["operationId"], f"{method} {path}"


def test_operation_ids_are_unique() -> None:
    ids = [
        operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()
    ]
    assert len(ids) == len(set(ids))


def test_document_accepts_the_contract_examples(subtests: pytest.Subtests) -> None:
    for path, method, example in [
        ("/api/calls/providers/config", "post", contract.VOICE_CONFIG_EXAMPLE),
        ("/api/calls/voice-ai/config", "post", contract.VOICE_AI_EXAMPLE),
        ("/api/settings/endpoints", "post", contract.ENDPOINT_EXAMPLE),
        *(("/api/settings/telephony", "put", example) for example in contract.TELEPHONY_EXAMPLES.values()),
    ]:
        with subtests.test(path=path, method=method, example=example):
            from jsonschema import Draft202012Validator

            described = document()
            body = described["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
            Draft202012Validator(body | {"components": described["components"]}).validate(example)


def test_docs_need_no_token(anonymous: Caller) -> None:
    answer = anonymous.get("/api/docs")
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
