"""Sentences that the API's own checks respond with, and the descriptions of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable

from app.services.access.crossing import Who

SAVED = "Configuration saved"
DELETED = "Configuration deleted"
ACTIVE_SAVED = "Active provider saved"

NO_TOKEN = "Authenticate with the header Authorization: Bearer <token>."  # noqa: S105 (a sentence)
TOKEN_REVOKED = "This token was revoked. Sign in again."  # noqa: S105 (a sentence)
SUPERADMINS_ONLY = "This operation requires a superadmin."
OTHER_ORGANIZATIONS = "Only superadmins can pass organizationId."
NOT_JSON = "Send JSON with the header Content-Type: application/json."

REQUIRED = "This is required."
EMPTY_PARAMETER = "This is empty. Pass a value, or omit the parameter."
NO_PARAMETERS = "This operation has no query parameters."
CURSOR_WITHOUT_LIMIT = "cursor requires limit."
TRUE_OR_FALSE = "Use true or false, in lower case."

INTERNAL_ERROR = "Unexpected error."

AVAILABLE_TO = {
    Who.ANYONE: "No authentication required.",
    Who.USER: "Available to every user.",
    Who.SUPERADMIN: "Available to superadmins.",
    Who.SIGNER: "Authenticated by the provider's signature.",
}

STATUSES = {
    304: "Not modified: If-None-Match has the current ETag.",
    400: "Malformed request: invalid JSON, or a repeated parameter.",
    401: "Missing or invalid token, or signature; under /api/calls also a missing role.",
    403: "The user is not a superadmin.",
    404: "Not found, or in another organization.",
    409: "Conflict with the current state.",
    412: "If-Match does not have the current ETag.",
    413: "Request body too large.",
    415: "The request body is not application/json.",
    422: "Validation failed; error.details lists each field.",
    429: "Too many requests. Retry after the seconds in Retry-After.",
    500: "Unexpected error; the response has an id for the log.",
    503: "The database is unavailable, or its disk is full. Retry after the seconds in Retry-After.",
}


def repeated(name: str) -> str:
    return f"{name} was passed more than once."


def unknown_field(name: str) -> str:
    return f"Unknown field: {name} (ignored)."


def did_you_mean(name: str) -> str:
    return f"Unknown parameter. Did you mean “{name}”?"


def unknown_parameter(known: Iterable[str]) -> str:
    return f"Unknown parameter. Use one of: {', '.join(known)}."


def integer_range(least: int, most: int) -> str:
    return f"Use an integer from {least} to {most}."


def one_of(values: Iterable[str]) -> str:
    return f"Use {' or '.join(values)}."


def longest(characters: int) -> str:
    return f"Use at most {characters} characters."
