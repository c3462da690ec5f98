"""The API reference of `/api/docs`: operations by resource, with all references resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.api import messages, snippets
from app.api.document import document, error_example, operation_id, resolved, tags, template
from app.api.error_codes import ERRORS, ErrorCode
from app.api.operations import OPERATIONS, Named, Operation, Tag

TOPICS = (
    ("authentication", "Authentication"),
    ("versions", "ETags"),
    ("paging", "Pagination"),
    ("errors", "Errors"),
)
"""Sections before the operations: id and title."""
ERROR_EXAMPLE = json.dumps(error_example(ERRORS["VALIDATION_FAILED"]), indent=2)


@dataclass(frozen=True)
class Row:
    """A parameter, or a field of a body. `schema` is that of OpenAPI."""

    name: str
    place: str
    required: bool
    schema: dict[str, Any]
    description: str
    example: Any = None


@dataclass(frozen=True)
class Entry:
    """An operation."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    access: str
    needs_token: bool
    parameters: list[Row]
    body: dict[str, Any] | None
    body_required: bool
    body_examples: dict[str, str]
    response: dict[str, Any] | None
    status: int
    returns: str
    example: str
    headers: dict[str, str]
    errors: list[tuple[int, ErrorCode]]
    snippets: dict[str, str]


@dataclass(frozen=True)
class Resource:
    """A tag with its operations. `id` is that of its heading on the page."""

    id: str
    tag: Tag
    entries: list[Entry]


@cache
def resources() -> list[Resource]:
    return [
        Resource(
            tag.name.lower().replace(" ", "-"),
            tag,
            [_entry(operation) for operation in OPERATIONS if operation.tag == tag],
        )
        for tag in tags()
    ]


def _entry(operation: Operation) -> Entry:
    described = document()["paths"][template(operation)][operation.method.lower()]
    success = described["responses"][str(operation.status)]
    return Entry(
        id=operation_id(operation),
        method=operation.method,
        path=template(operation),
        summary=operation.summary,
        description=operation.description,
        access=messages.AVAILABLE_TO[operation.who],
        needs_token=operation.needs_token,
        parameters=[_row(resolved(one)) for one in described.get("parameters", [])],
        body=_schema(described.get("requestBody")),
        body_required=not operation.optional_body,
        body_examples=_texts(operation.body_example),
        response=_schema(success),
        status=operation.status,
        returns=operation.returns,
        example=next(iter(_texts(operation.example).values()), ""),
        headers={name: resolved(header)["description"] for name, header in success["headers"].items()},
        errors=[(operation.status_of(error), error) for error in operation.error_codes],
        snippets=snippets.of(operation) if operation.raw_body is None else {},
    )


def _row(parameter: dict[str, Any]) -> Row:
    return Row(
        parameter["name"],
        parameter["in"],
        parameter.get("required", False),
        parameter["schema"],
        parameter["description"],
        parameter.get("example") if parameter["in"] == "path" or parameter.get("required") else None,
    )


def _schema(part: dict[str, Any] | None) -> dict[str, Any] | None:
    """Returns the schema of a JSON body, if there is one."""
    content = (part or {}).get("content", {}).get("application/json", {})
    schema: dict[str, Any] | None = content.get("schema")
    return schema


def _texts(example: Any) -> dict[str, str]:
    if example is None:
        return {}
    named = example if isinstance(example, Named) else {"example": example}
    return {name: json.dumps(value, indent=2, ensure_ascii=False) for name, value in named.items()}


def fields(schema: dict[str, Any]) -> Iterator[Row]:
    """Returns the fields of an object, the required ones first."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    for name in sorted(properties, key=lambda name: name not in required):
        described = properties[name]
        text = described.get("description") or described.get("title", "")
        yield Row(name, "", name in required, described, text)
