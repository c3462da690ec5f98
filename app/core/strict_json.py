"""Strict JSON: without the extensions of the standard that Python's parser accepts."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from typing import Any

from app.core.errors import Malformed

DEEPEST = 32


def text(value: Any) -> str:
    """Returns the compact JSON of a value, as in responses and in the digests of ETags."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parse(raw: bytes) -> Any:
    """Returns the value of a JSON text in UTF-8. Raises Malformed.

    It accepts a byte order mark. It rejects duplicate keys, NaN and infinities, nesting beyond `DEEPEST`, and
    NUL and lone surrogates in strings.
    """
    raw = raw.removeprefix(BOM_UTF8)
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not valid UTF-8 at byte {error.start}.") from None
    try:
        value = json.loads(
            decoded,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_number,
        )
    except RecursionError:
        raise Malformed(_too_deep()) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not valid JSON: {error.msg} at {place}.") from None
    except ValueError:
        raise Malformed("A number in the body has too many digits.") from None
    _check(value, DEEPEST)
    return value


def parse_proved(raw: bytes) -> Any:
    """Returns the value of a JSON text whose sender is authenticated. Raises Malformed.

    The sender would only resend what is rejected, so strings may contain any character, and the nesting may
    be as deep as Python reads.
    """
    try:
        return json.loads(
            raw.decode("utf-8", errors="replace"), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except (RecursionError, ValueError):
        raise Malformed("The body is not valid JSON.") from None


def _too_deep() -> str:
    return f"The JSON is nested more than {DEEPEST} levels deep."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise Malformed(f"Duplicate key {json.dumps(key[:80])} in an object.")
        members[key] = value
    return members


def _refuse_constant(name: str) -> Any:
    raise Malformed(f"{name} is not valid JSON. Use a number or null.")


def _number(text: str) -> float | int:
    """Returns an integer for 5.0 and 5e0 too: for JSON Schema, they are the same number as 5."""
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("A number in the body is too large.")
    return int(number) if number.is_integer() else number


def _check(value: Any, levels: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list | dict):
        if levels == 0:
            raise Malformed(_too_deep())
        if isinstance(value, dict):
            for key in value:
                _check_text(key)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, levels - 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Malformed("A string contains a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("A string contains half of a surrogate pair.")
