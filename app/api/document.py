"""The OpenAPI document, generated from the declared operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from app.api import messages, schemas
from app.api.error_codes import ErrorCode
from app.api.operations import OPERATIONS, Named, Operation, Tag, Who
from app.api.parameters import Parameter
from app.core import etag, naming, phone
from app.services.voice_ai import selection, webhook

FIRST = ("Calls", "Endpoints", "Telephony settings", "Provider accounts", "Voice phone numbers")
REF = "#/components/schemas/{model}"
SIGNERS = {provider.key: selection.reports_of(provider) for provider in webhook.providers()}
SECURITY: dict[str, dict[str, str]] = {
    "bearerAuth": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": messages.BEARER,
    },
} | {
    f"{key}_signature": {
        "type": "apiKey",
        "in": "header",
        "name": signer.signature_header,
        "description": signer.signature_format,
    }
    for key, signer in SIGNERS.items()
}

HEADERS: dict[str, dict[str, Any]] = {
    "ETag": {
        "description": "Version of the resource, for `If-None-Match` and `If-Match`.",
        "schema": {"type": "string"},
        "example": '"5"',
    },
    "Link": {
        "description": 'URL of the next page, with `rel="next"`; absent on the last page.',
        "schema": {"type": "string"},
    },
    "Location": {"description": "URL of the new resource.", "schema": {"type": "string", "format": "uri"}},
    "Retry-After": {
        "description": "Seconds to wait before the next attempt.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 5,
    },
    "X-Request-Id": {
        "description": "Id of the request in the server's log.",
        "schema": {"type": "string"},
        "example": "9f86d081884c7d65",
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme.",
        "schema": {"type": "string"},
        "example": "Bearer",
    },
}
CONDITIONS = {
    "If-None-Match": "ETag of an earlier response. The response is an empty 304 if it is still current.",
    "If-Match": "ETag that was read. The change fails with 412 if it is no longer current.",
}


@cache
def document() -> dict[str, Any]:
    """Returns the document, in OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(template(operation), {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Patchbay API",
            "version": "1.0.0",
            "summary": messages.SUMMARY,
            "description": messages.OVERVIEW,
            "contact": {"name": "Patchbay"},
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This installation"}],
        "security": [{"bearerAuth": []}],
        "tags": [{"name": tag.name, "description": tag.description} for tag in tags()],
        "paths": paths,
        "components": {
            "schemas": _models()[1],
            "responses": _shared_responses(),
            "headers": {name: HEADERS[name] for name in _used_headers()},
            "parameters": {_component(name): _condition(name) for name in CONDITIONS},
            "securitySchemes": SECURITY,
        },
    }


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Returns the component that a part refers to, or the part itself."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    component: dict[str, Any] = document()["components"][kind][name]
    return component


def template(operation: Operation) -> str:
    """Returns the path of an operation in OpenAPI's syntax."""
    return re.sub(r"<(\w+)>", r"{\1}", operation.path)


def operation_id(operation: Operation) -> str:
    """Returns the id of an operation, built as in the API contract: `get_calls_providers`."""
    words = re.findall(r"\w+", operation.path.removeprefix("/api"))
    return "_".join([operation.method.lower(), *words])


def tags() -> list[Tag]:
    """Returns the resources, with those that dialers and agent runtimes need first."""
    all_tags = dict.fromkeys(operation.tag for operation in OPERATIONS)
    return sorted(all_tags, key=lambda tag: FIRST.index(tag.name) if tag.name in FIRST else len(FIRST))


class _Schema(GenerateJsonSchema):
    """Generates schemas without titles from field names, and without defaults.

    Generated clients would send defaults in a partial update.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        inner: dict[str, Any] = self.generate_inner(schema["schema"])
        return inner


@cache
def _models() -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """Returns references by model and mode, and the schemas that they refer to."""
    models = [(operation.body, "validation") for operation in OPERATIONS if operation.body]
    models += [(operation.response, "serialization") for operation in OPERATIONS if operation.response]
    models.append((schemas.CallsErrorResponse, "serialization"))
    references, defined = models_json_schema(
        list(dict.fromkeys(models)),  # type: ignore[arg-type]
        ref_template=REF,
        schema_generator=_Schema,
    )
    enums = {REF.format(model=name): one for name, one in defined["$defs"].items() if "enum" in one}
    schemas_by_name = {
        name: _schema(_inlined(schema, enums))
        for name, schema in defined["$defs"].items()
        if "enum" not in schema
    }
    schemas_by_name |= dict(_variants(schemas_by_name))
    return dict(references), {name: schemas_by_name[name] for name in sorted(schemas_by_name)} | {
        "PhoneNumber": _phone_number()
    }


def _inlined(schema: Any, enums: Mapping[str, dict[str, Any]]) -> Any:
    """Returns a schema with its referenced enums inlined.

    As separate schemas, their values would share a namespace in clients, and some are in several enums.
    """
    if isinstance(schema, list):
        return [_inlined(item, enums) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if enum := enums.get(schema.get("$ref", "")):
        others = {key: value for key, value in schema.items() if key != "$ref"}
        return {"type": enum["type"], "enum": enum["enum"]} | others
    return {key: _inlined(value, enums) for key, value in schema.items()}


def _variants(schemas_by_name: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Returns the alternatives of models with `oneOf`, by title, and replaces them by references."""
    variants = []
    for schema in schemas_by_name.values():
        objects = [one for one in schema.get("oneOf", ()) if "title" in one]
        variants += [(one["title"], _schema(one)) for one in objects]
        if objects:
            schema["oneOf"] = [{"$ref": REF.format(model=one["title"])} for one in objects]
    return variants


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Returns a model's schema without its title, and with references for phone numbers."""
    described: dict[str, Any] = _with_references(
        {key: value for key, value in schema.items() if key != "title"}
    )
    return described


def _with_references(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == phone.FORMAT:
        others = {key: value for key, value in schema.items() if key not in ("type", "format")}
        return {"$ref": REF.format(model="PhoneNumber")} | others
    return {key: _with_references(value) for key, value in schema.items()}


def _phone_number() -> dict[str, Any]:
    return {
        "type": "string",
        "description": messages.PHONE_NUMBER,
        "pattern": phone.possible_pattern(),
        "examples": ["+15551234567"],
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation_id(operation),
        "tags": [operation.tag.name],
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{messages.AVAILABLE_TO[operation.who]}",
        "security": _security(operation),
    }
    if parameters := _parameters(operation):
        described["parameters"] = parameters
    if operation.body is not None or operation.raw_body is not None:
        described["requestBody"] = _request_body(operation)
    return described | {"responses": _responses(operation)}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.who is Who.ANYONE:
        return []
    if operation.who is Who.SIGNER:
        return [{f"{key}_signature": []} for key in SIGNERS if f"/{key}/" in operation.path]
    return [{"bearerAuth": []}]


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    conditions = []
    if "ETag" in operation.headers and operation.method == "GET":
        conditions.append("If-None-Match")
    if operation.is_conditional:
        conditions.append("If-Match")
    return [
        *(_parameter(parameter, "path") for parameter in operation.path_parameters),
        *(_parameter(parameter, "query") for parameter in operation.parameters),
        *({"$ref": f"#/components/parameters/{_component(name)}"} for name in conditions),
    ]


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": place,
        "required": parameter.required or place == "path",
        "description": parameter.description,
        "schema": _with_references(dict(parameter.schema)),
    }
    return described if parameter.example is None else described | {"example": parameter.example}


def _condition(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": CONDITIONS[name],
        "schema": {"type": "string"} | ({"pattern": etag.PATTERN} if name == "If-Match" else {}),
        "examples": {"version": {"value": '"5"'}, "any": {"value": "*"}},
    }


def _component(name: str) -> str:
    return name.replace("-", "")


def _request_body(operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    if operation.body is not None:
        schema = _models()[0][operation.body, "validation"]
    content = {"schema": schema, "examples": _examples(operation.body_example)}
    return {"required": not operation.optional_body, "content": {"application/json": content}}


def _examples(example: Any) -> dict[str, Any]:
    named = example if isinstance(example, Named) else {"example": example}
    return {name: {"value": value} for name, value in named.items()}


def _responses(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {str(operation.status): _success(operation)}
    if "ETag" in operation.headers and operation.method == "GET":
        headers = _headers(*operation.headers, "X-Request-Id")
        described["304"] = {"description": messages.NOT_MODIFIED, "headers": headers}
    for status, errors in sorted(_by_status(operation).items()):
        described[str(status)] = {"$ref": f"#/components/responses/{_response_name(status, errors)}"}
    return described


def _success(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "description": operation.returns,
        "headers": _headers(*operation.headers, "X-Request-Id"),
    }
    if operation.response is not None:
        schema = _models()[0][operation.response, "serialization"]
        if operation.is_list:
            schema = {"type": "array", "items": schema}
        content = {"schema": schema, "examples": _examples(operation.example)}
        described["content"] = {operation.media: content}
    elif operation.status != 204:
        kind = "object" if operation.media == "application/json" else "string"
        described["content"] = {operation.media: {"schema": {"type": kind}}}
    if links := _links(operation):
        described["links"] = links
    return described


def _links(operation: Operation) -> dict[str, Any]:
    """Returns links to operations on the resource that a response with a `Location` created."""
    if "Location" not in operation.headers:
        return {}
    parent = operation.creates or operation.path
    return {
        operation_id(other): {"operationId": operation_id(other), "parameters": parameters}
        for other in OPERATIONS
        if other.path.startswith(f"{parent}/<")
        if (parameters := _link_parameters(operation, parent, other)) is not None
    }


def _link_parameters(operation: Operation, parent: str, other: Operation) -> dict[str, str] | None:
    """Returns the source of each path parameter, in the request or response; None if one has none."""
    in_request = [one.name for one in operation.path_parameters if f"<{one.name}>" in parent]
    missing = [one.name for one in other.path_parameters if one.name not in in_request]
    fields = ["id"] if len(missing) == 1 else [naming.camel(name) for name in missing]
    if not all(field in operation.example for field in fields):
        return None
    sources = {name: f"$request.path.{name}" for name in in_request}
    return sources | {name: f"$response.body#/{field}" for name, field in zip(missing, fields, strict=True)}


def _used_headers() -> list[str]:
    used = {"X-Request-Id", "Retry-After", "WWW-Authenticate"}
    used.update(name for operation in OPERATIONS for name in operation.headers)
    return [name for name in HEADERS if name in used]


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _by_status(operation: Operation) -> dict[int, tuple[ErrorCode, ...]]:
    errors: dict[int, tuple[ErrorCode, ...]] = {}
    for error in operation.error_codes:
        status = operation.status_of(error)
        errors[status] = (*errors.get(status, ()), error)
    return errors


def _response_name(status: int, errors: Iterable[ErrorCode]) -> str:
    """Returns a name for a set of errors, so that operations with the same set share a description."""
    return ".".join([HTTPStatus(status).phrase.replace(" ", ""), *(error.code for error in errors)])


def _shared_responses() -> dict[str, Any]:
    shared = {
        _response_name(status, errors): _error_response(status, errors)
        for operation in OPERATIONS
        for status, errors in _by_status(operation).items()
    }
    return dict(sorted(shared.items()))


def _error_response(status: int, errors: Iterable[ErrorCode]) -> dict[str, Any]:
    names = ["X-Request-Id"]
    names += ["Retry-After"] if status in (429, 503) else []
    names += ["WWW-Authenticate"] if status == 401 else []
    return {
        "description": "\n".join(f"- `{error.code}`: {error.meaning} {error.remedy}" for error in errors),
        "headers": _headers(*names),
        "content": {
            "application/json": {
                "schema": {"$ref": REF.format(model="CallsErrorResponse")},
                "examples": {
                    error.code: {"summary": error.meaning, "value": error_example(error)} for error in errors
                },
            }
        },
    }


def error_example(error: ErrorCode) -> dict[str, Any]:
    message: Any = error.meaning
    if error.status == 422:
        details = [{"field": "provider", "message": messages.one_of(("twilio", "sinch"))}]
        message = {"code": error.code, "message": error.meaning, "details": details}
    return {"success": False, "error": message, "code": error.code}
