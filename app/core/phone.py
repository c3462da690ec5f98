"""Phone numbers in E.164.

A number must be possible, not valid: `+15551234567`, the usual example, is in no numbering plan.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum, StrEnum
from functools import cache, lru_cache
from typing import Any

import phonenumbers
from babel import Locale
from phonenumbers import PhoneMetadata

from app.core import csv_text, renumbered

LONGEST = 200
"""Characters up to which the text of a cell or field is cleaned before it is parsed."""

MOST_DIGITS = 15
"""Digits of an E.164 number, calling code included."""

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
PATTERN = f"^{E164.pattern}$"
"""The pattern of a stored number, for OpenAPI; `possible_pattern` is that of a new number."""
FORMAT = "e164"
"""The format, in a schema, of a text that `normalize` reads."""
_SHORTENED = re.compile(r"'?\+?([0-9]+)(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3}){3,4}|(?:\.[0-9]{3}){3,4})")
_BARE = re.compile(r"([1-9][0-9]{6,14})(?:[.,]0+)?")
ALONE = "Enter the number alone, such as +15551234567."
_AGAIN = "Format the column as text, enter the number again, and save."
_WRITTEN = re.compile(r"[+\uff0b]?[\d\s()./\u2010-\u2015-]+")
_SCHEME = re.compile(r"(?P<scheme>[^\W\d_][^\d:+]{0,19}):\s*(?P<number>.*)")
_CONTEXT = re.compile(
    r"(tel:)?(?P<number>[\d().\s-]+);\s*phone-context=(?P<context>\+[\d().-]+)(;.*)?", re.IGNORECASE
)
_PARAMETERS = re.compile(r"(?P<number>[+(\d][\d\s()./-]+);\s*[a-z-]+=.*", re.IGNORECASE)
_SERVICE = re.compile(r"(?P<code>[*#]+\d{1,3}[*#]?)\s*(?P<number>[+(\d][\d\s()./-]{6,})")
_ENDED = re.compile(r"(?P<number>[+(\d][\d\s()./-]{6,})[#*]+")
_INSIDE = re.compile(r"[+(]?\d[\d \t().-]{5,}\d")
_SIP = re.compile(r"sips?:.*|.*@.*", re.IGNORECASE)
_EXTENSION = re.compile(
    r"(?P<number>[+(\d][\d\s()./-]{4,}?)[\s,;]*(;ext=|extension|ext\.?|x|#|[,;pw])\s*\d{1,7}#?", re.IGNORECASE
)
_LETTERS = re.compile(r"(?=.*\d)(?=.*[A-Z])[+\dA-Z\s().-]{7,24}", re.IGNORECASE)
_SEVERAL = re.compile(r"[+(\d][\d\s()./-]{6,}(?:[,;|&]|or|and)\s*[+(\d][\d\s()./-]{6,}", re.IGNORECASE)
_SHORT_CODE = re.compile(r"[1-9*#][\d*#]{2,5}")


class Kind(StrEnum):
    """What is wrong with a number."""

    EMPTY = "empty"
    SIP = "sip"
    SCHEME = "scheme"
    ADDRESS = "address"
    EXTENSION = "extension"
    PARAMETERS = "parameters"
    SERVICE_CODE = "service_code"
    SIGNS = "signs"
    SEVERAL = "several"
    LETTERS = "letters"
    EXIT_CODE = "exit_code"
    SHORT_CODE = "short_code"
    NO_COUNTRY_CODE = "no_country_code"
    UNKNOWN_COUNTRY_CODE = "unknown_country_code"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    RENUMBERED = "renumbered"
    OTHER = "other"


class NotANumber(ValueError):
    """The text is not a phone number; the message is a sentence for the user."""

    def __init__(self, kind: Kind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


def normalize(text: str, country: str | None) -> str:
    """Returns the number in E.164, read with the country (ISO 3166-1 alpha-2) if it has no `+`.

    Raises NotANumber, whose message says what the text is instead, and what to enter.
    """
    text = _cleaned(text)
    if not _WRITTEN.fullmatch(text) or len(text) > 40:
        raise _text_error(text, country)
    if re.match(r"\+\s*0", text):
        raise _unreadable_error(text, country)
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        raise _unreadable_error(text, country) from None
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    _refuse_renumbered(text, formatted)
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE or not E164.fullmatch(formatted):
        raise _impossible_error(text, country, number)
    return formatted


def _refuse_renumbered(text: str, formatted: str) -> None:
    """Raises NotANumber if the numbering plan has changed, and the number is of the former one.

    `phonenumbers` reads some former numbers as present ones: those are rejected if they were written with a
    country code.
    """
    written = f"+{''.join(filter(str.isdigit, text))}" if text.startswith("+") else formatted
    for form in (written, formatted):
        if change := renumbered.change_of(form):
            sentence, now = change
            raise NotANumber(Kind.RENUMBERED, f"{sentence} Enter {now}." if now else sentence)


def _text_error(text: str, country: str | None) -> NotANumber:
    """Returns the error for text that contains more than digits, spaces and the usual signs."""
    if not text:
        return NotANumber(Kind.EMPTY, "Enter a phone number, such as +15551234567.")
    if _SIP.fullmatch(text):
        return NotANumber(
            Kind.SIP, "This is a SIP address. Enter the phone number that callers dial, such as +15551234567."
        )
    if match := _CONTEXT.fullmatch(text):
        advice = _suggest(match["context"] + match["number"], None) or ALONE
        return NotANumber(Kind.PARAMETERS, f"Write the whole number, with what phone-context says. {advice}")
    if match := _SCHEME.fullmatch(text):
        return _colon_error(match["scheme"], match["number"], country)
    if _SEVERAL.fullmatch(text):
        return _several_error()
    return _surplus_error(text, country) or NotANumber(Kind.OTHER, _country_advice(country))


def _colon_error(scheme: str, rest: str, country: str | None) -> NotANumber:
    """Returns the error for a URI, or for a number after a word and a colon."""
    advice = _suggest(rest, country) or _suggest_without_rest(rest, country)
    if not advice and scheme.lower() != "tel" and any(map(str.isalpha, rest)):
        sentence = (
            "This is the address of an app or a device. Enter the phone number that callers dial, such as"
        )
        return NotANumber(Kind.ADDRESS, f"{sentence} +15551234567.")
    return NotANumber(Kind.SCHEME, f"Leave out what is before the colon. {advice or ALONE}")


def _suggest_without_rest(text: str, country: str | None) -> str:
    """Returns the sentence of `_suggest` for a number with other text after it; empty without one."""
    match = _EXTENSION.fullmatch(text) or _PARAMETERS.fullmatch(text) or _ENDED.fullmatch(text)
    return _suggest(match["number"], country) if match else ""


def _surplus_error(text: str, country: str | None) -> NotANumber | None:
    """Returns the error for a number with other text around it; None if the text has no number."""
    for kind, pattern, what in (
        (Kind.EXTENSION, _EXTENSION, "the extension: calls are routed by whole numbers"),
        (Kind.PARAMETERS, _PARAMETERS, "what is after the semicolon"),
        (Kind.SIGNS, _ENDED, "the signs after the number"),
    ):
        if match := pattern.fullmatch(text):
            return NotANumber(kind, f"Leave out {what}. {_suggest(match['number'], country) or ALONE}")
    if match := _SERVICE.fullmatch(text):
        advice = _suggest(match["number"], country) or ALONE
        sentence = f"Leave out {match['code']}, which is dialled and is no part of the number."
        return NotANumber(Kind.SERVICE_CODE, f"{sentence} {advice}")
    if _SHORT_CODE.fullmatch(text):
        return _short_code_error()
    if len(text) > 40:
        return NotANumber(Kind.TOO_LONG, "A phone number has at most 15 digits.")
    if _LETTERS.fullmatch(text) and text.isascii():
        digits = phonenumbers.convert_alpha_characters_in_number(text)
        if advice := _suggest(digits, country):
            return NotANumber(Kind.LETTERS, f"Write letters as digits. {advice}")
    inside = dict.fromkeys(_suggest(match, country) for match in _INSIDE.findall(text))
    advices = [advice for advice in inside if advice]
    if len(advices) > 1:
        return _several_error()
    return NotANumber(Kind.OTHER, f"There is more than a number here. {advices[0]}") if advices else None


def _several_error() -> NotANumber:
    return NotANumber(Kind.SEVERAL, "These are several numbers. Enter one, such as +15551234567.")


def _unreadable_error(text: str, country: str | None) -> NotANumber:
    """Returns the error for digits whose country is not known."""
    digits = "".join(filter(str.isdigit, text))
    for code in ("00", "011") if not text.startswith("+") else ("00",):
        if digits.startswith(code) and (advice := _suggest(f"+{digits.removeprefix(code)}", None)):
            return NotANumber(Kind.EXIT_CODE, f"Write a plus in place of {code}. {advice}")
    if _has_two(text, country):
        return _several_error()
    if text.startswith("+"):
        sentence = f"No country has a code that begins +{digits[:3]}. Enter one such as +15551234567."
        return NotANumber(Kind.UNKNOWN_COUNTRY_CODE, sentence)
    if _SHORT_CODE.fullmatch(digits):
        return _short_code_error()
    return _missing_plus_error(digits, NotANumber(Kind.NO_COUNTRY_CODE, _country_advice(country)))


def _impossible_error(text: str, country: str | None, number: phonenumbers.PhoneNumber) -> NotANumber:
    """Returns the error for a number that its country cannot have."""
    digits = "".join(filter(str.isdigit, text))
    reason = phonenumbers.is_possible_number_with_reason(number)
    is_long = reason == phonenumbers.ValidationResult.TOO_LONG or len(digits) > MOST_DIGITS
    if is_long and _has_two(text, country):
        return _several_error()
    kind, word = (Kind.TOO_LONG, "long") if is_long else (Kind.TOO_SHORT, "short")
    if not text.startswith("+"):
        if digits.startswith("00") and (advice := _suggest(f"+{digits[2:]}", None)):
            return NotANumber(Kind.EXIT_CODE, f"Write a plus in place of 00. {advice}")
        if _SHORT_CODE.fullmatch(digits):
            return _short_code_error()
        return _missing_plus_error(digits, NotANumber(kind, _country_advice(country)))
    code = number.country_code or 0
    region = phonenumbers.region_code_for_country_code(code)
    place = country_names().get(region, f"the countries with +{code}")
    have = len(digits) - len(str(code))
    return NotANumber(
        kind, f"Too {word}: no number in {place} has {have} digits after +{code}. Check each digit."
    )


def _has_two(text: str, country: str | None) -> bool:
    """Whether there is a number on both sides of a space or a slash."""
    gaps = (at for at, character in enumerate(text) if character in " /")
    return any(_suggest(text[:at], country) and _suggest(text[at + 1 :], country) for at in gaps)


def _missing_plus_error(digits: str, otherwise: NotANumber) -> NotANumber:
    """Returns an error that suggests a plus, if the digits are in a numbering plan with it.

    Otherwise it returns `otherwise`.
    """
    advice = _suggest(f"+{digits}", None)
    if advice and phonenumbers.is_valid_number(phonenumbers.parse(f"+{digits}")):
        return NotANumber(Kind.NO_COUNTRY_CODE, f"A country code needs a plus. {advice}")
    return otherwise


def _short_code_error() -> NotANumber:
    return NotANumber(
        Kind.SHORT_CODE,
        "This is a short code or an internal number, which cannot be routed here. Enter a whole number, "
        "such as +15551234567.",
    )


def _suggest(text: str, country: str | None) -> str:
    """Returns the sentence that says what to enter; empty if the text is not a number either."""
    if not _WRITTEN.fullmatch(text.strip()):
        return ""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    formatted = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    is_possible = phonenumbers.is_possible_number(number) and E164.fullmatch(formatted)
    return f"Enter {formatted}." if is_possible else ""


def _cleaned(text: str) -> str:
    """Returns the text with ASCII digits and spaces, without the invisible marks of copied text."""
    if text.isascii() or len(text) > LONGEST:
        return text.strip()
    return "".join(map(_plain_character, csv_text.visible(text))).strip()


def _plain_character(character: str) -> str:
    if character.isspace():
        return " "
    return str(unicodedata.decimal(character, character))


@cache
def possible_pattern() -> str:
    """Returns a regular expression of the possible E.164 numbers: calling codes and lengths."""
    codes: dict[tuple[int, ...], list[str]] = {}
    for code, (region, *_) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        metadata: Any = PhoneMetadata.metadata_for_nongeo_region(code)
        if region != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
            metadata = PhoneMetadata.metadata_for_region(region)
        most = MOST_DIGITS - len(str(code))
        lengths = tuple(length for length in metadata.general_desc.possible_length if length <= most)
        codes.setdefault(lengths, []).append(str(code))
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
    """Returns the number of a spreadsheet's cell in E.164, and how it was read.

    Spreadsheets drop the plus, group digits and calculate. Digits that are a possible number with and without
    a plus are rejected, unless exactly one of the two is in a numbering plan. Raises ValueError.
    """
    text = _with_all_digits(_cleaned(text))
    if text.startswith("="):
        raise ValueError(f"This is a formula, not a number. {_AGAIN}")
    if text.startswith("#") and not text[1:2].isdigit():
        raise ValueError(f"The spreadsheet shows {text[:10]} instead of a number. {_AGAIN}")
    if text.startswith("-"):
        raise ValueError(f"The spreadsheet read this as a calculation or a negative number. {_AGAIN}")
    if bare := _BARE.fullmatch(text):
        return _read_bare_digits(bare[1], country)
    is_national = not text.startswith(("+", "\uff0b"))
    return normalize(text, country), Reading.NATIONAL if is_national else Reading.AS_WRITTEN


def _with_all_digits(text: str) -> str:
    """Returns all digits of a number that a spreadsheet grouped or wrote with an exponent.

    Raises ValueError if the spreadsheet has dropped digits.
    """
    if _GROUPED.fullmatch(text):
        return re.sub("[.,]", "", text)
    if not (shortened := _SHORTENED.fullmatch(text)):
        return text
    whole, decimals, places = shortened[1], shortened[2] or "", int(shortened[3])
    if len(decimals) < places or decimals[places:].strip("0"):
        raise ValueError(f"The spreadsheet shortened this number to {text}; digits are lost. {_AGAIN}")
    return whole + decimals[:places]


def _read_bare_digits(digits: str, country: str | None) -> tuple[str, Reading]:
    readings: dict[str, Reading] = {}
    refusals: list[NotANumber] = []
    for reading, text in ((Reading.NATIONAL, digits), (Reading.PLUS_LOST, f"+{digits}")):
        try:
            readings[normalize(text, country)] = reading
        except NotANumber as refusal:
            refusals.append(refusal)
    if len(readings) > 1:
        planned = [number for number in readings if phonenumbers.is_valid_number(phonenumbers.parse(number))]
        if len(planned) != 1:
            either = " or ".join(sorted(readings))
            raise ValueError(f"This can be {either}. Enter the right one with its plus.")
        readings = {planned[0]: readings[planned[0]]}
    if not readings:
        raise next((refusal for refusal in refusals if refusal.kind is Kind.RENUMBERED), refusals[0])
    return readings.popitem()


def _country_advice(country: str | None) -> str:
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
    return {code: names.get(code, code) for code in sorted(phonenumbers.SUPPORTED_REGIONS)}
