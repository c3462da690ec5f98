"""Phone numbers in E.164.

The test is whether a number is possible, not whether a numbering plan has it: `+15551234567` is in
none, and is everybody's example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache

import phonenumbers
from babel import Locale

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_WRITTEN = re.compile(r"[+\uff0b]?[\d\s()./\u2010-\u2015-]+")


def normalize(text: str, country: str | None) -> str:
    """The number in E.164, read with the country (ISO 3166-1 alpha-2) where it has no `+`.

    Raises ValueError with a sentence for the person who typed it.
    """
    text = text.strip()
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


def _advice(country: str | None) -> str:
    if country is None:
        return "Write the number with its country code, such as +15551234567."
    place = country_names().get(country, country)
    return f"This is not a number of {place}. Write it with its country code, such as +15551234567."


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
