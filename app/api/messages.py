"""Sentences of the API's own checks, and the descriptions of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable

from app.services.access.crossing import Who

SAVED = "Configuration saved"
DELETED = "Configuration deleted"
ACTIVE_SAVED = "Active provider saved"

NO_TOKEN = "Authenticate with the header Authorization: Bearer <token>."
TOKEN_REVOKED = "This token was revoked. Sign in again."
SUPERADMINS_ONLY = "This operation requires a superadmin."
OTHER_ORGANIZATIONS = "Only superadmins can pass organizationId."
NOT_JSON = "Send JSON with the header Content-Type: application/json."

REQUIRED = "This is required."
EMPTY_PARAMETER = "This is empty. Pass a value, or omit the parameter."
ONE_LINE = "This is more than one line, or has a control character."
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

NOT_MODIFIED = "Not modified: the ETag in If-None-Match is current. The response has no body."

SUMMARY = "Telephony and voice AI configuration for dialers and agent runtimes."
OVERVIEW = """\
Read and change the phone lines of an organization: which voice provider dialers load, which agent \
answers a number, and the credentials behind them.

Requests and responses are JSON in UTF-8. Authenticate with the header `Authorization: Bearer <token>`; \
the API never reads cookies. Every response has an `X-Request-Id`. Errors have one shape: `success` is \
false, `error` is a sentence or the list of wrong fields, and `code` is a stable name for programs.

Unknown and empty query parameters are rejected, so that no misspelled filter is ignored. An object can be \
sent back as it was read: read-only fields are accepted when unchanged.

Fields may be added to responses at any time, so ignore those that you do not know."""
PHONE_NUMBER = """\
Phone number in E.164 format, of a length that is possible in its country. In a request, a number without \
a plus is read with the organization's country."""
BEARER = """\
A token of a user, created in the portal under Account, or with `POST /api/auth/login`. With the \
`secrets` scope it also reads stored secrets."""


IF_MATCH = 'If-Match takes ETags in quotes, such as "5", or *. Nothing was changed.'


def repeated(name: str) -> str:
    return f"{name} was passed more than once."


def ignored_field(name: str) -> str:
    return f"{name} was ignored: it is unknown or read-only."


def did_you_mean(name: str) -> str:
    return f"Unknown parameter. Did you mean “{name}”?"


def unknown_parameter(known_names: Iterable[str]) -> str:
    return f"Unknown parameter. Use one of: {', '.join(known_names)}."


def integer_range(least: int, most: int) -> str:
    return f"Use an integer from {least} to {most}."


def one_of(values: Iterable[str]) -> str:
    return f"Use {' or '.join(values)}."


def longest(characters: int) -> str:
    return f"Use at most {characters} characters."
