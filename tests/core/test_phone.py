from __future__ import annotations

import random
import re

import pytest

from app.core import phone
from app.core.phone import Kind, NotANumber, Reading


def test_normalize_accepts_every_spelling_that_the_pattern_allows(subtests):
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

    for text, country, number in [
        ("+52 55 1234 5678", None, "+525512345678"),
        ("+225 07 07 12 34 56", None, "+2250707123456"),
        ("+229 01 97 12 34 56", None, "+2290197123456"),
        ("+54 9 11 1234-5678", None, "+5491112345678"),
        ("011 15 1234-5678", "AR", "+5491112345678"),
        ("+54 11 4123-4567", None, "+541141234567"),
        ("+55 11 3765-4321", None, "+551137654321"),
        ("+55 11 98765-4321", None, "+5511987654321"),
    ]:
        assert phone.normalize(text, country) == number

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
    others = ("15551234567", "+1555", "+1555123456789012", "+0", "+8154952715044682572")
    wrong += [text for text in others if pattern.search(text)]
    assert wrong == []


EACH_KIND: list[tuple[Kind, str, str | None, str]] = [
    (Kind.EMPTY, "", None, "+15551234567"),
    (Kind.EMPTY, " ", "US", "+15551234567"),
    (Kind.SIP, "sip:reception@acme.example", None, "SIP address"),
    (Kind.SIP, "SIPS:+15551234567@acme.example;transport=tls", "US", "SIP address"),
    (Kind.SIP, "reception@acme.example", None, "SIP address"),
    (Kind.SCHEME, "tel:+1-555-123-4567", None, "Enter +15551234567."),
    (Kind.SCHEME, "callto:5551234567", "US", "Enter +15551234567."),
    (Kind.SCHEME, "tel:", None, "+15551234567"),
    (Kind.SCHEME, "whatsapp:+15551234567", None, "Enter +15551234567."),
    (Kind.SEVERAL, "+1-555-123-4567, +1-555-123-4568", "US", "one"),
    (Kind.SEVERAL, "(555) 123-4567 or (555) 123-4568", "US", "one"),
    (Kind.RENUMBERED, "+54 9 11 15 2345 6789", None, "Enter +5491123456789."),
    (Kind.EXTENSION, "+15551234567x12", None, "Enter +15551234567."),
    (Kind.EXTENSION, "+15551234567;ext=12", "US", "Enter +15551234567."),
    (Kind.EXTENSION, "(555) 123-4567 ext. 12", "US", "Enter +15551234567."),
    (Kind.EXTENSION, "020 7946 0958 #12", "GB", "Enter +442079460958."),
    (Kind.EXTENSION, "+15551234567,,12", None, "Enter +15551234567."),
    (Kind.SCHEME, "tel:+15551234567;ext=12", None, "Enter +15551234567."),
    (Kind.EXTENSION, "+15551234567p12#", None, "Enter +15551234567."),
    (Kind.PARAMETERS, "+15551234567;isub=12", None, "Enter +15551234567."),
    (Kind.PARAMETERS, "tel:1234567;phone-context=+1555", None, "Enter +15551234567."),
    (Kind.SCHEME, "tel:+15551234567;phone-context=acme.example", None, "Enter +15551234567."),
    (Kind.SCHEME, "client:+15551234567", None, "Enter +15551234567."),
    (Kind.SCHEME, "Mobile: +1 555 123 4567", None, "Enter +15551234567."),
    (Kind.ADDRESS, "client:alice", "US", "callers dial"),
    (Kind.SERVICE_CODE, "*67 555 123 4567", "US", "Enter +15551234567."),
    (Kind.SERVICE_CODE, "#31#+15551234567", None, "Leave out #31#,"),
    (Kind.SIGNS, "+15551234567#", None, "Enter +15551234567."),
    (Kind.LETTERS, "1-800-FLOWERS", "US", "Enter +18003569377."),
    (Kind.SEVERAL, "555-123-4567 555-123-4568", "US", "one"),
    (Kind.SEVERAL, "+15551234567\n+15551234568", None, "one"),
    (Kind.OTHER, "'+15551234567", None, "Enter +15551234567."),
    (Kind.OTHER, "+1 555 123 4567 (reception)", None, "Enter +15551234567."),
    (Kind.EXIT_CODE, "+00 1 555 123 4567", "IN", "Enter +15551234567."),
    (Kind.EXIT_CODE, "0044 20 7946 0958", None, "Enter +442079460958."),
    (Kind.EXIT_CODE, "00442079460958", "US", "Enter +442079460958."),
    (Kind.EXIT_CODE, "011 44 20 7946 0958", None, "Enter +442079460958."),
    (Kind.EXIT_CODE, "+0015551234567", None, "Enter +15551234567."),
    (Kind.SHORT_CODE, "911", None, "short code"),
    (Kind.SHORT_CODE, "12345", "US", "short code"),
    (Kind.SHORT_CODE, "*123#", None, "short code"),
    (Kind.NO_COUNTRY_CODE, "555 123 4567", None, "country code, such as +15551234567"),
    (Kind.NO_COUNTRY_CODE, "442079460958", None, "Enter +442079460958."),
    (Kind.NO_COUNTRY_CODE, "442079460958", "US", "Enter +442079460958."),
    (Kind.UNKNOWN_COUNTRY_CODE, "+999123456789", None, "+999"),
    (Kind.TOO_SHORT, "+1555123456", None, "9 digits after +1"),
    (Kind.TOO_SHORT, "555-1234", "US", "United States"),
    (Kind.TOO_LONG, "+155512345678", "US", "11 digits after +1"),
    (Kind.TOO_LONG, "1" * 41, None, "15 digits"),
    (Kind.TOO_LONG, "+" + "1" * 4000, "US", "15 digits"),
    (Kind.RENUMBERED, "+52 1 55 1234 5678", None, "Enter +525512345678."),
    (Kind.RENUMBERED, "0052 1 55 1234 5678", "DE", "Enter +525512345678."),
    (Kind.RENUMBERED, "1 55 1234 5678", "MX", "Enter +525512345678."),
    (Kind.RENUMBERED, "+225 07 12 34 56", None, "ten digits after +225"),
    (Kind.RENUMBERED, "07 12 34 56", "CI", "ten digits after +225"),
    (Kind.RENUMBERED, "+229 97 12 34 56", None, "Enter +2290197123456."),
    (Kind.RENUMBERED, "+55 11 8765-4321", None, "Enter +5511987654321."),
    (Kind.RENUMBERED, "+54 11 15 1234-5678", None, "Enter +5491112345678."),
    (Kind.RENUMBERED, "+54 2944 15 123456", None, "Enter +5492944123456."),
    (Kind.RENUMBERED, "+54 15 1234 5678", None, "+54 9 and the area code"),
    (Kind.OTHER, "junk", None, "country code"),
    (Kind.OTHER, "junk", "US", "United States"),
    (Kind.OTHER, "++15551234567", None, "Enter +15551234567."),
    (Kind.OTHER, "+15551234567 please", None, "Enter +15551234567."),
    (Kind.OTHER, "+15551234567\0", None, "Enter +15551234567."),
    (Kind.OTHER, "+1555²234567", None, "country code"),
    (Kind.OTHER, "<b>+15551234567</b>", None, "Enter +15551234567."),
]


def test_normalize_names_each_kind_of_wrong_number():
    wrong: list[object] = []
    for kind, text, country, words in EACH_KIND:
        try:
            outcome: object = phone.normalize(text, country)
        except NotANumber as error:
            outcome = error.kind
            if words not in str(error) or not str(error).endswith("."):
                wrong.append((text[:40], country, str(error)))
        if outcome != kind:
            wrong.append((text[:40], country, outcome))
    assert wrong == []
    assert {kind for kind, *_ in EACH_KIND} == set(Kind)

    with pytest.raises(ValueError, match=r"country code, such as \+15551234567"):
        phone.normalize("555 123 4567", None)

    with pytest.raises(ValueError, match="at most 15 digits"):
        phone.normalize("\u200b" * 1_000_000 + "+15551234567", None)


def test_display_and_country_names():
    assert phone.display("+15551234567") == "+1 555-123-4567"
    assert phone.display("not a number") == "not a number"

    names = phone.country_names()
    assert names["IN"] == "India"
    assert all(len(code) == 2 and code.isupper() and name for code, name in names.items())


def test_from_cell_reads_numbers_and_complete_exponents(subtests):
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

    for text in [
        *("1.5551234567E+10", "1,5551234567E+10", "1.55512345670000E+10", "15551234567e0"),
        *("15,551,234,567", "15.551.234.567", "١٥٥٥١٢٣٤٥٦٧", "\u200e15551234567"),
    ]:
        with subtests.test(text=text):
            assert phone.from_cell(text, None) == ("+15551234567", Reading.PLUS_LOST)


def test_from_cell_rejects_what_is_no_whole_number(subtests):
    for text in ["1.55512E+10", "1,55512E+10", "1.55512345678e10", "+1.5E+10", "2E+11"]:
        with (
            subtests.test(text=text),
            pytest.raises(ValueError, match=r"shortened this number to .* as text, enter the number again"),
        ):
            phone.from_cell(text, "US")

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

    with pytest.raises(ValueError, match=r"^This can be \+15551234567 or \+5551234567\."):
        phone.from_cell("5551234567", "US")

    for text, country, kind in [
        ("", "US", Kind.EMPTY),
        ("1234567", None, Kind.NO_COUNTRY_CODE),
        ("ask Mo", "US", Kind.OTHER),
        ("5244", "US", Kind.SHORT_CODE),
        ("5215512345678", None, Kind.RENUMBERED),
        ("22507123456", "US", Kind.RENUMBERED),
    ]:
        with subtests.test(text=text), pytest.raises(NotANumber) as refused:
            phone.from_cell(text, country)
        assert refused.value.kind is kind
