"""pydantic validates, once, for JSON and forms alike; this turns what it finds into sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from app.core import naming
from app.core.errors import Invalid, Problem

Draft = TypeVar("Draft", bound=BaseModel)

MOST_PROBLEMS = 50
LONGEST_NAME = 80

STRICT = ConfigDict(
    strict=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
)
OPEN = ConfigDict(strict=True, extra="allow", hide_input_in_errors=True, str_strip_whitespace=True)


def read(model: type[Draft], data: Any, *, country: str | None = None) -> Draft:
    """`data` as a `model`; Invalid names every field that is wrong, and what would be right."""
    if not isinstance(data, dict):
        raise Invalid([Problem("body", "Send a JSON object, such as {}.")])
    try:
        return model.model_validate(data, context={"country": country})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise Invalid([_problem(detail, model) for detail in found[:MOST_PROBLEMS]]) from None


def checked(check: Callable[[Any, str | None], Any], base: Any = str) -> Any:
    """The annotated type of a value that `check` reads, with the organization's country."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        country = info.context.get("country") if info.context else None
        return check(value, country)

    return Annotated[base, AfterValidator(validate)]


def _problem(detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    names = [str(part) for part in detail["loc"] if isinstance(part, int) or part in _known(model)]
    where = ".".join(names) or str(detail["loc"][0] if detail["loc"] else "body")[:LONGEST_NAME]
    return Problem(where, _sentence(detail, where, model))


def _known(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _sentence(detail: ErrorDetails, where: str, model: type[BaseModel]) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "missing":
            return "This is required."
        case "extra_forbidden":
            return _unknown(where, model)
        case "string_type" | "string_unicode":
            return "This must be text."
        case "string_too_short":
            return "This is empty."
        case "string_too_long":
            return f"This is longer than {context['max_length']} characters."
        case "bool_type":
            return "This must be true or false."
        case "int_type" | "int_parsing" | "int_from_float":
            return "This must be a whole number."
        case "literal_error" | "enum":
            return f"Use {context['expected']}."
        case _:
            return f"{detail['msg']}."


def _unknown(where: str, model: type[BaseModel]) -> str:
    known = _known(model)
    if fixed := getattr(model, "fixed", {}).get(where):
        return str(fixed)
    near = naming.nearest(where, known)
    if near:
        return f"There is no such field. Did you mean {near}?"
    return f"There is no such field. Known are: {', '.join(known)}."
