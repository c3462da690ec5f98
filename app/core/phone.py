"""Phone numbers in E.164.

The test is whether a number is possible, not whether a numbering plan has it: `+15551234567` is in
none, and is everybody's example.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from functools import cache, lru_cache

import phonenumbers
from babel import Locale

from app.core import csv_text

LONGEST = 200
"""Characters of a cell or a field that is looked at closely."""

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SHORTENED = re.compile(r"'?\+?([0-9]+)(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){3,4}|(?:\.[0-9]{3}){3,4})")
_BARE = re.compile(r"([1-9][0-9]{6,14})(?:[.,]0+)?")
_AGAIN = "Format the column as text there, enter the number again, and save."
_WRITTEN = re.compile(r"[+\uff0b]?[\d\s()./\u2010-\u2015-]+")


def normalize(text: str, country: str | None) -> str:
    """The number in E.164, read with the country (ISO 3166-1 alpha-2) where it has no `+`.

    Raises ValueError with a sentence for the person who typed it.
    """
    text = _typed(text)
    if len(text) > 40:
        raise ValueError("This is too long for a phone number.")
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
    """With plain digits and spaces, and without the invisible marks that come along when text is copied."""
    if text.isascii() or len(text) > LONGEST:
        return text.strip()
    return "".join(map(_plain, csv_text.visible(text))).strip()


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    return str(unicodedata.decimal(character, character))


class Reading(Enum):
    """How a cell of a spreadsheet came to be a number."""

    AS_WRITTEN = "as written"
    PLUS_LOST = "its country code was there, and its plus was not"
    NATIONAL = "as a number of the country"


def from_cell(text: str, country: str | None) -> tuple[str, Reading]:
    """As `normalize`, for what spreadsheets make of numbers.

    They drop the plus, group digits, and compute. Digits that can be read with and without a plus, and
    neither way is in a numbering plan alone, are refused rather than guessed.
    """
    text = _as_written_out(_typed(text))
    if text.startswith("="):
        raise ValueError(f"This is a formula, and not a number. {_AGAIN}")
    if text.startswith("#"):
        raise ValueError(f"The spreadsheet shows {text[:10]} in place of a number. {_AGAIN}")
    if text.startswith("-"):
        raise ValueError(f"The spreadsheet took this for a sum, or for a number below zero. {_AGAIN}")
    if bare := _BARE.fullmatch(text):
        return _without_plus(bare[1], country)
    is_national = not text.startswith(("+", "\uff0b"))
    return normalize(text, country), Reading.NATIONAL if is_national else Reading.AS_WRITTEN


def _as_written_out(text: str) -> str:
    """All digits of a number that a spreadsheet grouped or wrote with an exponent."""
    if _GROUPED.fullmatch(text):
        return re.sub("[.,]", "", text)
    if not (shortened := _SHORTENED.fullmatch(text)):
        return text
    whole, decimals, places = shortened[1], shortened[2] or "", int(shortened[3])
    if len(decimals) < places or decimals[places:].strip("0"):
        raise ValueError(f"The spreadsheet shortened this number to {text}, and digits are lost. {_AGAIN}")
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
            raise ValueError(f"This can be {either}. Write the one that is meant, with its plus.")
        readings = {planned[0]: readings[planned[0]]}
    if not readings:
        raise ValueError(_advice(country))
    return readings.popitem()


def _advice(country: str | None) -> str:
    if country is None:
        return "Write the number with its country code, such as +15551234567."
    place = country_names().get(country, country)
    return f"This is not a valid {place} number. For another country, start with + and the country code."


@lru_cache(maxsize=4096)
def display(number: str) -> str:
    """An E.164 number with the spaces that people expect: `+1 555-123-4567`."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def calling_code(country: str) -> int:
    """What numbers of the country begin with after the `+`; 0 for one that has none."""
    return int(phonenumbers.country_code_for_region(country))


@cache
def country_names() -> Mapping[str, str]:
    """The regions that a number can be read with: ISO 3166-1 alpha-2 code and English name."""
    names = Locale("en").territories
    return {code: names.get(code, code) for code in phonenumbers.SUPPORTED_REGIONS}
