"""Strict JSON: what the standard parser lets through, and should not, is refused."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from typing import Any

from app.core.errors import Malformed

DEEPEST = 32


def text(value: Any) -> str:
    """The JSON text of a value, as answers carry it and entity tags are made of."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parse(raw: bytes) -> Any:
    """The value of a JSON text in UTF-8, with or without its mark, or Malformed with what is wrong.

    Refused beside bad syntax: duplicate keys, NaN and infinities, nesting beyond `DEEPEST`, NUL and
    lone surrogates in strings.
    """
    raw = raw.removeprefix(BOM_UTF8)
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    try:
        value = json.loads(
            decoded,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise Malformed(_too_deep()) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not JSON: {error.msg} at {place}.") from None
    except ValueError:
        raise Malformed("The body has a number that is too long.") from None
    _check(value, DEEPEST)
    return value


def parse_proved(raw: bytes) -> Any:
    """As `parse`, of a text whose sender is proved, and will not send it any better.

    Its strings may have any character in them, and it may be as deep as Python reads.
    """
    try:
        return json.loads(
            raw.decode("utf-8", errors="replace"), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
    except (RecursionError, ValueError):
        raise Malformed("The body is not JSON that can be read.") from None


def _too_deep() -> str:
    return f"The JSON is nested more than {DEEPEST} levels deep."


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Malformed(f"The key {json.dumps(key[:80])} appears twice in one object.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON. Use a number or null.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Malformed("The body has a number that is too large.")
    return number


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
        raise Malformed("A string has a NUL character in it.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise Malformed("A string has half of a surrogate pair in it.")
