"""The OpenAPI document, generated from the declared operations."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue
from pydantic.json_schema import models_json_schema

from app.api import messages, responses, schemas
from app.api.operations import OPERATIONS, TOKEN_HOLDERS, Operation, Who, blueprint
from app.api.parameters import Parameter
from app.services.scope import Scope
from app.services.voice_ai import selection, webhook

openapi = blueprint("openapi", "/api")

REF = "#/components/schemas/{model}"
SIGNERS = {provider.key: selection.reports_of(provider) for provider in webhook.providers()}
SECURITY: dict[str, dict[str, str]] = {
    "bearerAuth": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
} | {
    f"{key}_signature": {
        "type": "apiKey",
        "in": "header",
        "name": signer.signature_header,
        "description": signer.signature_format,
    }
    for key, signer in SIGNERS.items()
}


@openapi.operation("GET", "/openapi.json", who=Who.ANYONE)
def openapi_document(_scope: Scope) -> ResponseReturnValue:
    """Get the OpenAPI document"""
    return responses.document(document(), tagged=True)


@openapi.operation("GET", "/docs", who=Who.ANYONE)
def docs(_scope: Scope) -> ResponseReturnValue:
    """Get the API reference

    The OpenAPI document as an HTML page.
    """
    return render_template("api/docs.html", document=document())


@cache
def document() -> dict[str, Any]:
    """Returns the document, in OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Patchbay API",
            "version": "1.0.0",
            "description": "Manage telephony and voice AI configuration for dialers and agent runtimes.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _models()[1],
            "securitySchemes": SECURITY,
        },
    }


@cache
def _models() -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Returns references by model and mode, and the schemas they refer to."""
    models = [(operation.body, "validation") for operation in OPERATIONS if operation.body]
    models += [(operation.response, "serialization") for operation in OPERATIONS if operation.response]
    models.append((schemas.CallsErrorResponse, "serialization"))
    references, defined = models_json_schema(list(dict.fromkeys(models)), ref_template=REF)  # type: ignore[arg-type]
    return dict(references), _without_null_defaults(defined["$defs"])


def _without_null_defaults(schema: Any) -> Any:
    """Removes defaults of null: an omitted field keeps its value."""
    if isinstance(schema, list):
        return [_without_null_defaults(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_null_defaults(value)
        for key, value in schema.items()
        if (key, value) != ("default", None)
    }


def _operation(operation: Operation, path: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.view.__name__,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description} {messages.AVAILABLE_TO[operation.who]}".strip(),
        "security": _security(operation),
        "responses": _responses(operation),
    }
    parameters = [_path_parameter(name) for name in re.findall(r"{(\w+)}", path)]
    parameters += [_query_parameter(parameter) for parameter in operation.parameters]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        schema = _models()[0][operation.body, "validation"]
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    elif operation.raw_body is not None:
        content = {"application/json": {"schema": {"type": "object"}}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.who is Who.ANYONE:
        return []
    if operation.who is Who.SIGNER:
        return [{f"{key}_signature": []} for key in SIGNERS if f"/{key}/" in operation.path]
    return [{"bearerAuth": []}]


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _responses(operation: Operation) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Success."}
    if operation.response is not None:
        schema = _models()[0][operation.response, "serialization"]
        if operation.is_list:
            schema = {"type": "array", "items": schema}
        done["content"] = {"application/json": {"schema": schema}}
    elif operation.view is docs:
        done["content"] = {"text/html": {"schema": {"type": "string"}}}
    elif operation.view is openapi_document:
        done["content"] = {"application/json": {"schema": {"type": "object"}}}
    described = {str(operation.status): done}
    if operation.method == "GET" and operation.view is not docs:
        described["304"] = {"description": messages.STATUSES[304]}
    error = {"$ref": REF.format(model="CallsErrorResponse")}
    for status in sorted(_error_statuses(operation)):
        described[str(status)] = {
            "description": messages.STATUSES[status],
            "content": {"application/json": {"schema": error}},
        }
    return described


def _error_statuses(operation: Operation) -> set[int]:
    statuses = {500, 503, *operation.errors}
    if operation.body is not None:
        statuses |= {400, 413, 415, 422}
    if operation.who is not Who.SIGNER:
        statuses |= {400, 422}
    if operation.who in TOKEN_HOLDERS:
        statuses |= {401, 404}
    if operation.who in TOKEN_HOLDERS and operation.tag != "calls":
        statuses.add(403)
    return statuses
