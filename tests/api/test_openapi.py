"""The document is made from the code: it is valid, complete, and has the contract's names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, template_rendered
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from app.api.document import document, operation_id, template
from app.api.operations import OPERATIONS
from app.services.notifications.events import Event, Reach
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


def test_document_has_exactly_the_routes_and_the_contracts_and_names(app: Flask) -> None:
    assert _routes(app) == _documented()

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
    assert expected <= {f"{method} {path}" for method, path in _documented()}

    named = {
        ("GET", "/api/calls/providers"): (
            "get_calls_providers",
            "Get the active voice provider for the organization",
        ),
        ("GET", "/api/calls/providers/config"): (
            "get_calls_providers_config",
            "Get full voice provider configuration (superadmin)",
        ),
        ("GET", "/api/calls/voice-ai/config"): (
            "get_calls_voice_ai_config",
            "Get organization-level Voice AI configuration",
        ),
        ("POST", "/api/calls/voice-ai/config"): (
            "post_calls_voice_ai_config",
            "Save organization-level Voice AI configuration (superadmin)",
        ),
    }
    operations = {(operation.method, operation.path): operation for operation in OPERATIONS}
    assert {key: (operation_id(operations[key]), operations[key].summary) for key in named} == named
    assert {operations[key].tag.name for key in named} == {"Calls"}


def test_document_schemas_and_examples_are_those_of_the_contract() -> None:
    """Also in what is null, for schemas of responses."""
    wrong: list[tuple[Any, ...]] = []
    for name in sorted(contract.SCHEMAS.keys() - {"Endpoints"}):
        properties = document()["components"]["schemas"][name]["properties"]
        is_response = name.startswith("Calls") and "Save" not in name
        for field, schema in contract.SCHEMAS[name]["properties"].items():
            types = _types(properties[field]) if field in properties else set()
            is_nullable = bool(schema.get("nullable"))
            fits = "null" in types if is_nullable else not (is_response and "null" in types)
            if not types or not fits or schema.get("type", min(types)) not in types:
                wrong.append((name, field, types))

    described = document()
    for path, method, example in [
        ("/api/calls/providers/config", "post", contract.VOICE_CONFIG_EXAMPLE),
        ("/api/calls/voice-ai/config", "post", contract.VOICE_AI_EXAMPLE),
        ("/api/settings/endpoints", "post", contract.ENDPOINT_EXAMPLE),
        *(("/api/settings/telephony", "put", example) for example in contract.TELEPHONY_EXAMPLES.values()),
    ]:
        body = described["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator(body | {"components": described["components"]})
        wrong += [(path, error.message) for error in validator.iter_errors(example)]
    assert wrong == []


def _types(schema: dict) -> set[str]:
    if "$ref" in schema:
        return {"object"}
    if "anyOf" in schema:
        return set().union(*map(_types, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return {schema.get("type", "string")}
    return {schema["type"]}


def test_schemas_have_no_shared_name_or_default_for_generated_clients() -> None:
    """Go has a function `NewUser` for a schema `User`, and one namespace for the values of all enums. A
    client would send a default in a partial update, and expect it in a response without the field."""
    schemas = document()["components"]["schemas"]
    assert [name for name in schemas if name.startswith("New") and name.removeprefix("New") in schemas] == []
    assert [name for name, schema in schemas.items() if "enum" in schema] == []

    ids = [
        operation["operationId"] for methods in document()["paths"].values() for operation in methods.values()
    ]
    assert len(ids) == len(set(ids))
    assert all(ids)

    def defaults(place: str, schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            if "default" in schema and place.rsplit("/", 1)[-1] != "properties":
                yield place
            for key, value in schema.items():
                yield from defaults(f"{place}/{key}", value)
        elif isinstance(schema, list):
            for item in schema:
                yield from defaults(place, item)

    assert list(defaults("", document()["components"]["schemas"])) == []


def _of_body(path: str, method: str) -> dict:
    name = document()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    schema: dict = document()["components"]["schemas"][name.rpartition("/")[2]]
    return schema


def test_document_is_valid_and_made_once_and_sent_once(app: Flask, anonymous: Caller) -> None:
    """To anyone, as is the reference that is made of it; every process makes the same, so that tags match."""
    validate(document())
    country = document()["components"]["schemas"]["OrganizationEdit"]["properties"]["country"]
    (countries,) = [schema["enum"] for schema in country["anyOf"] if "enum" in schema]
    assert countries == sorted(countries)
    assert anonymous.get("/api/openapi.json").json == document()
    assert anonymous.get("/api/docs").mimetype == "text/html"
    for path in ("/api/docs", "/api/openapi.json"):
        first = anonymous.get(path)
        with template_rendered.connected_to(lambda *_, **__: pytest.fail("made again"), app):
            not_modified = anonymous.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, not_modified.status_code, not_modified.data) == (200, 304, b""), path
        for name in ("Content-Security-Policy", "Cache-Control", "ETag"):
            assert first.headers[name] == not_modified.headers[name], (path, name)
    dark = anonymous.get("/api/docs", headers={"Cookie": "patchbay-theme=dark"})
    assert b'data-theme="dark"' in dark.data


def test_events_are_what_a_destination_receives_and_links_lead_on() -> None:
    organization = _of_body("/api/organizations/{organization_id}/notifications/{destination_id}", "put")
    installation = _of_body("/api/notifications/{destination_id}", "put")
    organization_events, installation_events = (
        one["properties"]["events"]["items"]["enum"] for one in (organization, installation)
    )
    assert set(installation_events) - set(organization_events) == {
        event for event in Event if event.reach is Reach.INSTALLATION
    }

    created = {
        f"{method} {path}": response["links"]
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for response in operation["responses"].values()
        if "links" in response
    }
    located = {f"{one.method.lower()} {template(one)}" for one in OPERATIONS if "Location" in one.headers}
    assert set(created) == located
    links = created["post /api/organizations/{organization_id}/users"]
    assert links["put_organizations_organization_id_users_user_id"]["parameters"] == {
        "organization_id": "$request.path.organization_id",
        "user_id": "$response.body#/id",
    }
    job = created["post /api/settings/jobs/{job_id}/undo"]["get_settings_jobs_job_id"]
    assert job["parameters"] == {"job_id": "$response.body#/id"}
