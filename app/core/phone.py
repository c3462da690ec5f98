"""Phone numbers in E.164.

A number has to be possible, not valid: `+15551234567`, the usual example, is in no numbering plan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from babel import Locale
from phonenumbers import PhoneMetadata

from app.core import csv_text

LONGEST = 200
"""Characters of a cell or field that is parsed."""

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
PATTERN = f"^{E164.pattern}$"
"""Of a number that was stored, for OpenAPI; `possible_pattern` is that of one that can be."""
FORMAT = "e164"
"""Marks, in a schema, a text that `normalize` reads."""
_SHORTENED = re.compile(r"'?\+?([0-9]+)(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){3,4}|(?:\.[0-9]{3}){3,4})")
_BARE = re.compile(r"([1-9][0-9]{6,14})(?:[.,]0+)?")
_AGAIN = "Format the column as text, enter the number again, and save."
_WRITTEN = re.compile(r"[+\uff0b]?[\d\s()./\u2010-\u2015-]+")


def normalize(text: str, country: str | None) -> str:
    """Returns the number in E.164, read with the country (ISO 3166-1 alpha-2) if it has no `+`.

    Raises ValueError with a sentence for the user.
    """
    text = _typed(text)
    if len(text) > 40:
        raise ValueError("A phone number has at most 15 digits.")
    if not _WRITTEN.fullmatch(text):
        raise ValueError(_advice(country))
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise ValueError(_advice(country)) from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError(_advice(country))
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not E164.fullmatch(formatted):
        raise ValueError(_advice(country))
    return formatted


def _typed(text: str) -> str:
    """Returns ASCII digits and spaces, without the invisible marks of copied text."""
    if text.isascii() or len(text) > LONGEST:
        return text.strip()
    return "".join(map(_plain, csv_text.visible(text))).strip()


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    return str(unicodedata.decimal(character, character))


@cache
def possible_pattern() -> str:
    """Returns a regular expression of the numbers in E.164 that are possible: calling codes and lengths."""
    codes: dict[tuple[int, ...], list[str]] = {}
    for code, (region, *_) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        found: Any = PhoneMetadata.metadata_for_nongeo_region(code)
        if region != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
            found = PhoneMetadata.metadata_for_region(region)
        codes.setdefault(found.general_desc.possible_length, []).append(str(code))
    kinds = (f"({'|'.join(group)}){_digits(lengths)}" for lengths, group in sorted(codes.items()))
    return rf"^\+({'|'.join(kinds)})$"


def _digits(lengths: tuple[int, ...]) -> str:
    """Returns a pattern of that many digits: `([0-9]{4}|[0-9]{7,9})`."""
    spans: list[list[int]] = []
    for length in lengths:
        if spans and spans[-1][-1] == length - 1:
            spans[-1] = [spans[-1][0], length]
        else:
            spans.append([length])
    choices = ("[0-9]{" + ",".join(map(str, span)) + "}" for span in spans)
    return f"({'|'.join(choices)})"


class Reading(Enum):
    """How a spreadsheet cell was read as a number."""

    AS_WRITTEN = "as written"
    PLUS_LOST = "its country code was there, and its plus was not"
    NATIONAL = "as a number of the country"


def from_cell(text: str, country: str | None) -> tuple[str, Reading]:
    """Like `normalize`, for what spreadsheets turn numbers into; also returns how it was read.

    They drop the plus, group digits and calculate. Digits that are a possible number with and without a plus
    are rejected, unless exactly one of the two is in a numbering plan.
    """
    text = _as_written_out(_typed(text))
    if text.startswith("="):
        raise ValueError(f"This is a formula, not a number. {_AGAIN}")
    if text.startswith("#"):
        raise ValueError(f"The spreadsheet shows {text[:10]} instead of a number. {_AGAIN}")
    if text.startswith("-"):
        raise ValueError(f"The spreadsheet read this as a calculation or a negative number. {_AGAIN}")
    if bare := _BARE.fullmatch(text):
        return _without_plus(bare[1], country)
    is_national = not text.startswith(("+", "\uff0b"))
    return normalize(text, country), Reading.NATIONAL if is_national else Reading.AS_WRITTEN


def _as_written_out(text: str) -> str:
    """Returns all digits of a number that a spreadsheet grouped or wrote with an exponent."""
    if _GROUPED.fullmatch(text):
        return re.sub("[.,]", "", text)
    if not (shortened := _SHORTENED.fullmatch(text)):
        return text
    whole, decimals, places = shortened[1], shortened[2] or "", int(shortened[3])
    if len(decimals) < places or decimals[places:].strip("0"):
        raise ValueError(f"The spreadsheet shortened this number to {text}; digits are lost. {_AGAIN}")
    return whole + decimals[:places]


def _without_plus(digits: str, country: str | None) -> tuple[str, Reading]:
    readings = {}
    for reading, text in ((Reading.NATIONAL, digits), (Reading.PLUS_LOST, f"+{digits}")):
        with suppress(ValueError):
            readings[normalize(text, country)] = reading
    if len(readings) > 1:
        planned = [found for found in readings if phonenumbers.is_valid_number(phonenumbers.parse(found))]
        if len(planned) != 1:
            either = " or ".join(sorted(readings))
            raise ValueError(f"This can be {either}. Enter the right one with its plus.")
        readings = {planned[0]: readings[planned[0]]}
    if not readings:
        raise ValueError(_advice(country))
    return readings.popitem()


def _advice(country: str | None) -> str:
    if country is None:
        return "Enter the number with its country code, such as +15551234567."
    place = country_names().get(country, country)
    return f"Not a valid number in {place}. For another country, start with + and the country code."


@lru_cache(maxsize=4096)
def display(number: str) -> str:
    """Returns an E.164 number in its international format: `+1 555-123-4567`."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def calling_code(country: str) -> int:
    """Returns the calling code of the country; 0 if it has none."""
    return int(phonenumbers.country_code_for_region(country))


@cache
def country_names() -> Mapping[str, str]:
    """Returns the supported countries: ISO 3166-1 alpha-2 code and English name."""
    names = Locale("en").territories
    return {code: names.get(code, code) for code in phonenumbers.SUPPORTED_REGIONS}
