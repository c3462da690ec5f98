"""Query parameters: each is declared once, and every operation reads and checks it alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from app.api import examples, messages
from app.core import ids, naming, phone, texts
from app.core.errors import Invalid, Malformed, Problem
from app.provider import Capability
from app.providers import PROVIDERS
from app.services.validation import LONGEST_NAME, MOST_PROBLEMS

MOST_DIGITS = 9


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query, or of the path if the rule names it.

    `schema` is that of OpenAPI; values in a query are checked against it.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    required: bool = False
    example: Any = None

    def read(self, text: str) -> Any:
        """Returns the value. Raises ValueError with a sentence."""
        if not text.strip():
            raise ValueError(messages.EMPTY_PARAMETER)
        match self.schema["type"]:
            case "boolean":
                return self._read_boolean(text)
            case "integer":
                return self._read_integer(text)
        return self._read_text(self.canonical(text))

    def canonical(self, text: str) -> str:
        """Returns an id as it is stored, and other texts unchanged."""
        return ids.canonical(text) if self.schema.get("format") == "uuid" else text

    def _read_boolean(self, text: str) -> bool:
        if text not in ("true", "false"):
            raise ValueError(messages.TRUE_OR_FALSE)
        return text == "true"

    def _read_integer(self, text: str) -> int:
        least, most = self.schema["minimum"], self.schema["maximum"]
        is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
        if not is_number or not least <= int(text) <= most:
            raise ValueError(messages.integer_range(least, most))
        return int(text)

    def _read_text(self, text: str) -> str:
        choices = self.schema.get("enum")
        if choices and text not in choices:
            raise ValueError(messages.one_of(choices))
        longest = self.schema.get("maxLength")
        if longest and len(text) > longest:
            raise ValueError(messages.longest(longest))
        if self.schema.get("pattern") == texts.NOT_BLANK and texts.CONTROL.search(text):
            raise ValueError(messages.ONE_LINE)
        return text


CURSOR = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
DIGITS = {"type": "string", "pattern": "^[1-9][0-9]{6,14}$"}
UUID = {"type": "string", "format": "uuid"}
TEXT = {"type": "string", "minLength": 1, "pattern": texts.NOT_BLANK}
E164 = {"type": "string", "pattern": phone.PATTERN}
POSSIBLE_NUMBER = {"type": "string", "format": phone.FORMAT}

ORGANIZATION_ID = Parameter(
    "organizationId",
    "Id of another organization to act in. Superadmins only.",
    UUID,
    example=examples.GLOBEX_ID,
)
PATH = {
    parameter.name: parameter
    for parameter in (
        Parameter("organization_id", "Id of the organization.", UUID, example=examples.ORGANIZATION_ID),
        Parameter("endpoint_id", "Id of the endpoint.", UUID, example=examples.ENDPOINT_ID),
        Parameter("job_id", "Id of the job.", UUID, example=examples.JOB_ID),
        Parameter("user_id", "Id of the user.", UUID, example=examples.USER_ID),
        Parameter("phone_number", "Phone number in E.164 format.", E164, example=examples.VOICE_NUMBER),
    )
}
"""Parameters that a rule may name without declaring them."""


def paging(
    noun: str, usual: int | None, most: int, cursor: Mapping[str, Any] = CURSOR
) -> tuple[Parameter, Parameter]:
    """Returns the parameters of a paged list; without `usual`, only `limit` pages it.

    `cursor` is the schema of its cursors.
    """
    without = f"Without it, all {noun} are returned." if usual is None else f"Defaults to {usual}."
    requires = " Requires limit." if usual is None else ""
    schema = {"type": "integer", "minimum": 1, "maximum": most}
    return (
        Parameter("limit", f"Number of {noun} per page. {without}", schema),
        Parameter("cursor", f"Cursor from the Link header of the previous page.{requires}", cursor),
    )


def provider(*capabilities: Capability) -> Parameter:
    """Returns the path parameter for a provider that has the capabilities."""
    keys = [key for key, one in PROVIDERS.items() if one.capabilities.issuperset(capabilities)]
    return Parameter("provider", "Key of the provider.", {"type": "string", "enum": keys}, example=keys[0])


def read(parameters: Iterable[Parameter], arguments: MultiDict[str, str]) -> dict[str, Any]:
    """Returns the value of each parameter in the query, by name.

    Raises Malformed if one is repeated, and Invalid if one is unknown, empty, missing, or violates its
    schema: a misspelled filter must not be ignored.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    missing = [name for name in by_name if by_name[name].required and name not in arguments]
    problems = [Problem(name, messages.REQUIRED) for name in missing]
    problems += [
        Problem(name[:LONGEST_NAME] or "query", _unknown(name, list(by_name)))
        for name in arguments
        if name not in by_name
    ]
    values: dict[str, Any] = {}
    for name in (name for name in by_name if name in arguments):
        try:
            values[name] = read_one(by_name[name], arguments)
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(problems[:MOST_PROBLEMS])
    return values


def read_one(parameter: Parameter, arguments: MultiDict[str, str]) -> Any:
    """Returns the value of a parameter; None if it is absent. Raises Malformed and Invalid."""
    texts = arguments.getlist(parameter.name)
    if len(texts) > 1:
        raise Malformed(messages.repeated(parameter.name), code="REPEATED_PARAMETER")
    try:
        return parameter.read(texts[0]) if texts else None
    except ValueError as error:
        raise Invalid([Problem(parameter.name, str(error))]) from None


def _unknown(name: str, known_names: list[str]) -> str:
    if not known_names:
        return messages.NO_PARAMETERS
    if near := naming.nearest(name, known_names):
        return messages.did_you_mean(near)
    return messages.unknown_parameter(known_names)
