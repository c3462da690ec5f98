from __future__ import annotations

import random
import re

import pytest

from app.core import phone
from app.core.phone import Reading


def test_normalize_accepts_usual_spellings(subtests):
    for text, country, number in [
        ("+15551234567", None, "+15551234567"),
        ("+15551234567", "IN", "+15551234567"),
        ("  +1 (555) 123-4567 ", None, "+15551234567"),
        ("+1.555.123.4567", None, "+15551234567"),
        ("+1\N{EN DASH}555\N{NO-BREAK SPACE}123\N{NON-BREAKING HYPHEN}4567", None, "+15551234567"),
        ("555-123-4567", "US", "+15551234567"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("0044 20 7946 0958", "DE", "+442079460958"),
        ("098765 43210", "IN", "+919876543210"),
        ("+91 98765 43210", "US", "+919876543210"),
        ("\N{FULLWIDTH PLUS SIGN}１５５５１２３４５６７", None, "+15551234567"),  # noqa: RUF001
        ("+١٥٥٥١٢٣٤٥٦٧", None, "+15551234567"),
    ]:
        with subtests.test(text=text, country=country, number=number):
            assert phone.normalize(text, country) == number
            assert phone.E164.fullmatch(number)


def test_normalize_rejects_other_text(subtests):
    for text in [
        "",
        " ",
        "+",
        "++15551234567",
        "junk",
        "call +15551234567",
        "+15551234567 please",
        "+15551234567x12",
        "+15551234567;ext=12",
        "tel:+15551234567",
        "1-800-FLOWERS",
        "555-1234",
        "+1555123456",
        "+155512345678",
        "+1234",
        "+999123456789",
        "+0015551234567",
        "+15551234567\0",
        "+1555²234567",
        "<b>+15551234567</b>",
        "1" * 41,
        "+" + "1" * 4000,
    ]:
        for country in [None, "US"]:
            with subtests.test(text=text, country=country):
                with pytest.raises(
                    ValueError, match=r"^(A phone number has|Not a valid number|Enter the number).*\.$"
                ) as refused:
                    phone.normalize(text, country)
                if country and len(text) <= 40:
                    assert "United States" in str(refused.value)


def test_normalize_without_country_needs_a_country_code():
    with pytest.raises(ValueError, match=r"country code, such as \+15551234567"):
        phone.normalize("555 123 4567", None)


def test_display_is_international():
    assert phone.display("+15551234567") == "+1 555-123-4567"
    assert phone.display("not a number") == "not a number"


def test_country_names_by_two_letter_code():
    names = phone.country_names()
    assert names["IN"] == "India"
    assert all(len(code) == 2 and code.isupper() and name for code, name in names.items())


def test_from_cell_reads_spreadsheet_numbers(subtests):
    for text, country, number, reading in [
        ("+15551234567", "IN", "+15551234567", Reading.AS_WRITTEN),
        ("\N{FULLWIDTH PLUS SIGN}15551234567", None, "+15551234567", Reading.AS_WRITTEN),
        ("15551234567", None, "+15551234567", Reading.PLUS_LOST),
        ("15551234567", "US", "+15551234567", Reading.PLUS_LOST),
        ("442079460958", "US", "+442079460958", Reading.PLUS_LOST),
        ("919876543210", "IN", "+919876543210", Reading.PLUS_LOST),
        ("12125551234", "IN", "+12125551234", Reading.PLUS_LOST),
        ("442079460958.0", "US", "+442079460958", Reading.PLUS_LOST),
        ("442079460958,00", "US", "+442079460958", Reading.PLUS_LOST),
        ("2125551234", "US", "+12125551234", Reading.NATIONAL),
        ("9876543210", "IN", "+919876543210", Reading.NATIONAL),
        ("020 7946 0958", "GB", "+442079460958", Reading.NATIONAL),
    ]:
        with subtests.test(text=text, country=country, number=number, reading=reading):
            assert phone.from_cell(text, country) == (number, reading)


def test_from_cell_rejects_shortened_numbers(subtests):
    for text in ["1.55512E+10", "1,55512E+10", "1.55512345678e10", "+1.5E+10", "2E+11"]:
        with (
            subtests.test(text=text),
            pytest.raises(ValueError, match=r"shortened this number to .* as text, enter the number again"),
        ):
            phone.from_cell(text, "US")


def test_from_cell_accepts_complete_exponents(subtests):
    for text in [
        *("1.5551234567E+10", "1,5551234567E+10", "1.55512345670000E+10", "15551234567e0"),
        *("15,551,234,567", "15.551.234.567", "١٥٥٥١٢٣٤٥٦٧", "\u200e15551234567"),
    ]:
        with subtests.test(text=text):
            assert phone.from_cell(text, None) == ("+15551234567", Reading.PLUS_LOST)


def test_from_cell_rejects_formulas_and_errors(subtests):
    for text, why in [
        ("=+15551234567", "This is a formula"),
        ('=HYPERLINK("tel:+15551234567")', "This is a formula"),
        ("#ERROR!", "shows #ERROR! instead of a number"),
        ("########", "shows ######## instead"),
        ("-15551234567", "a calculation or a negative number"),
    ]:
        with (
            subtests.test(text=text),
            pytest.raises(ValueError, match=f"{why}.*enter the number again, and save"),
        ):
            phone.from_cell(text, "US")


def test_normalize_removes_invisible_characters(subtests):
    for text in [
        *(
            "\u202a+1 555-123-4567\u202c",
            "\u2068+15551234567\u2069",
            "\u200b+15551234567",
            "\ufeff+15551234567",
        ),
        *("+1\u202f555\u202f123\u202f4567", "+1\u00a0(555)\u00a0123\u20114567", "+\u06f15551234567"),
    ]:
        with subtests.test(text=text):
            assert phone.normalize(text, None) == "+15551234567"


def test_normalize_rejects_long_text():
    with pytest.raises(ValueError, match="at most 15 digits"):
        phone.normalize("\u200b" * 1_000_000 + "+15551234567", None)


def test_from_cell_rejects_ambiguous_digits():
    with pytest.raises(ValueError, match=r"^This can be \+15551234567 or \+5551234567\."):
        phone.from_cell("5551234567", "US")


def test_from_cell_rejects_other_text(subtests):
    for text, country in [("", "US"), ("1234567", None), ("ask Mo", "US"), ("5244", "US")]:
        with (
            subtests.test(text=text),
            pytest.raises(ValueError, match="country code"),
        ):
            phone.from_cell(text, country)


def test_possible_pattern_allows_what_normalize_accepts() -> None:
    """But for numbers whose country drops a leading digit, which E.164 does not have."""
    pattern, chance = re.compile(phone.possible_pattern()), random.Random(5)
    wrong = []
    for text in ("+15551234567", "+919876543210", "+4512345678", "+80012345678", "+2904567"):
        if not pattern.search(text) or phone.normalize(text, None) != text:
            wrong.append(text)
    for _ in range(3000):
        text = f"+{chance.randrange(10**6, 10**15)}"
        try:
            is_read = phone.normalize(text, None) == text
        except ValueError:
            is_read = False
        if is_read and not pattern.search(text):
            wrong.append(text)
    wrong += [text for text in ("15551234567", "+1555", "+1555123456789012", "+0") if pattern.search(text)]
    assert wrong == []
