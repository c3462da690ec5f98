"""Validation of JSON and forms by pydantic, with errors as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from app.core import ids, naming
from app.core.errors import Invalid, Problem, Stale
from app.services import messages

Draft = TypeVar("Draft", bound=BaseModel)

MOST_PROBLEMS = 50
LONGEST_NAME = 80

STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)
STRICT_CAMEL = ConfigDict(**STRICT, alias_generator=to_camel)
"""For the calls API, whose field names are camelCase."""
OPEN = ConfigDict(strict=True, extra="allow", hide_input_in_errors=True, str_strip_whitespace=True)


def read(model: type[Draft], data: Any, *, country: str | None = None) -> Draft:
    """Returns `data` as a `model`. Raises Invalid, which names every wrong field and the right form."""
    if not isinstance(data, dict):
        raise Invalid([Problem("body", messages.OBJECT_NEEDED)])
    try:
        return model.model_validate(data, context={"country": country})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise Invalid([_problem(detail, model) for detail in details[:MOST_PROBLEMS]]) from None


def read_edit(model: type[Draft], data: Any, *, country: str | None = None) -> tuple[Draft, dict[str, Any]]:
    """Returns `data` as a `model`, and the submitted read-only fields (those in its `fixed`).

    Pass these to `expect_unchanged`. A client may send an object back with all the fields that it read.
    """
    fields = data.items() if isinstance(data, dict) else ()
    fixed = {name: value for name, value in fields if name in _read_only_fields(model)}
    rest = {name: value for name, value in fields if name not in fixed} if fixed else data
    return read(model, rest, country=country), fixed


def expect_unchanged(model: type[BaseModel], fixed: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    """Raises Stale for another version, and Invalid for changed read-only fields."""
    version = fixed.get("version")
    if type(version) is int and version != current["version"]:
        raise Stale
    if changed := [
        name for name, value in fixed.items() if name not in current or _differs(value, current[name])
    ]:
        raise Invalid([Problem(name, _read_only_fields(model)[name]) for name in changed])


def _differs(submitted: Any, current: Any) -> bool:
    """Whether the values differ. True and 1 are equal in Python, but not in JSON."""
    return bool(submitted != current) or isinstance(submitted, bool) != isinstance(current, bool)


def _read_only_fields(model: type[BaseModel]) -> Mapping[str, str]:
    fixed: Mapping[str, str] = getattr(model, "fixed", {})
    return fixed


def read_only(*names: str) -> dict[str, str]:
    """Returns the `fixed` fields of a model, with the sentence for read-only fields."""
    return dict.fromkeys(names, messages.READ_ONLY)


Unstripped = Annotated[str, StringConstraints(strip_whitespace=False)]
Verbatim = Annotated[Unstripped, Field(repr=False)]
"""The type of a password: not stripped, and hidden from `repr`."""


@dataclass(frozen=True, eq=False)
class Checked:
    """Annotates a field with `check(value, country)`, which returns the converted value.

    The country is the organization's. `schema` is added to the field's OpenAPI schema.
    """

    check: Callable[[Any, str | None], Any]
    schema: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._run, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(core) | dict(self.schema)

    def _run(self, value: Any, info: ValidationInfo) -> Any:
        return self.check(value, info.context.get("country") if info.context else None)


RowId = Annotated[str, Checked(lambda value, _country: ids.canonical(value), {"format": "uuid"})]
"""The id of a row, in lower or upper case."""


@dataclass(frozen=True)
class Variant:
    """One form of a body: its fields as OpenAPI describes them, and the required ones."""

    fields: Mapping[str, Any]
    required: Sequence[str]


def describe_variants(schema: dict[str, Any], variants: Mapping[str, Variant]) -> None:
    """Replaces the schema of a model by `oneOf` the variants, by their titles."""
    for name in ("properties", "required"):
        schema.pop(name, None)
    shared = {name: schema.pop(name) for name in ("type", "additionalProperties")}
    schema["oneOf"] = [
        {"title": title, **shared, "required": [*one.required], "properties": dict(one.fields)}
        for title, one in variants.items()
    ]


def one_of(choices: Iterable[str]) -> Checked:
    """Returns an annotation for a text that must be one of the known values."""
    values = list(choices)

    def check(value: str, _country: str | None) -> str:
        if value not in values:
            raise ValueError(messages.use_one_of(values))
        return value

    return Checked(check, {"enum": values})


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    names = [str(part) for part in detail["loc"] if isinstance(part, int) or part in _field_names(model)]
    where = ".".join(names) or str(detail["loc"][0] if detail["loc"] else "body")[:LONGEST_NAME]
    return Problem(where, _sentence(detail, where, model))


def _field_names(model: type[BaseModel]) -> list[str]:
    return [field_info.alias or name for name, field_info in model.model_fields.items()]


_SENTENCES = {
    "missing": messages.REQUIRED,
    "string_type": messages.NOT_TEXT,
    "string_unicode": messages.NOT_TEXT,
    "string_too_short": messages.EMPTY,
    "too_short": messages.EMPTY,
    "bool_type": messages.NOT_BOOLEAN,
    "int_type": messages.NOT_WHOLE,
    "int_parsing": messages.NOT_WHOLE,
    "int_from_float": messages.NOT_WHOLE,
    "list_type": messages.NOT_LIST,
}
"""The sentences, by the type of pydantic's error."""


def _sentence(detail: ErrorDetails, where: str, model: type[BaseModel]) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case constant if constant in _SENTENCES:
            return _SENTENCES[constant]
        case "value_error":
            return str(context["error"])
        case "extra_forbidden":
            return _unknown_field(where, model)
        case "string_too_long":
            return messages.too_long(context["max_length"])
        case "too_long":
            return messages.too_many(context["max_length"])
        case "literal_error" | "enum":
            return messages.use(context["expected"])
        case _:
            return f"{detail['msg']}."


def _unknown_field(where: str, model: type[BaseModel]) -> str:
    names = _field_names(model)
    if fixed := _read_only_fields(model).get(where):
        return fixed
    near = naming.nearest(where, names)
    if near:
        return messages.did_you_mean(near)
    return messages.unknown_field(names)
