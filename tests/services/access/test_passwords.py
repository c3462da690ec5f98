from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.core import strength
from app.services.access import passwords
from devtools.scopes import PASSWORD
from tests.support.hashing import SHIPPED, hashing_with

LISTED = [
    "passwordpassword",
    "123456789123456789",
    "123456123456123456",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv",
    "qwertyuiopasdfghjkl",
    "polniypizdec0211",
    "kartoffelpuffer",
    "ManchesterUnited",
    "purple elephant",
    "correct horse battery staple",
    "CorrectHorseBatteryStaple",
]
REPEATED = [
    "Summer2024Summer2024",
    "Winter2025! Winter2025!",
    "patchbay-Patchbay",
    "abababababababab",
    "kh7w-Qz2 kh7w-qz2 kh7w-qz2",
    "123456qwerty2024123456qwerty2024",
]
MADE_OF_COMMON = [
    "P@ssw0rd!!!!!!!!!",
    "changeme-changeme-1",
    "iloveyouiloveyou1",
    "liverpoolfc2024!",
    "MyCompany2025!!!",
    "zaq12wsxcde34rfvbgt5",
    "Monday, 14.03.1987",
    "drowssap987654321",
]
GOOD = [
    PASSWORD,
    "seven tall pines by the lake",
    "fjord-quartz-vex",
    "пятнадцать букв и ещё",
    "🔑🚪🏠🌲🏔🌊🐟🐈🐕🌙⭐🔥🍎🥖🎻",
    "".join(chr(97 + n * n % 23) + chr(98 + n * 7 % 19) for n in range(128)),
]


@pytest.fixture(scope="module", autouse=True)
def shipped() -> Iterator[None]:
    with hashing_with(SHIPPED):
        yield


@pytest.fixture(scope="module")
def stored() -> str:
    return passwords.hash_password(PASSWORD)


def test_check_refuses_guessable_passwords_and_accepts_long_ones(subtests):
    """The 3,000 most common of all lengths are too short mostly, so people write them twice."""
    table = {"lists": LISTED, "repeats": REPEATED, "made of": MADE_OF_COMMON}
    for why, password in [(why, each) for why, group in table.items() for each in group]:
        with subtests.test(password=password), pytest.raises(ValueError, match=why) as refused:
            passwords.check(password)
        assert password not in str(refused.value)

    common = [word for word in FREQUENCY_LISTS["passwords"][:3000] if len(word) > 3][::40]
    for change in (lambda word: word * 4, lambda word: f"{word}-{word.title()}_{word}!{word}"):
        accepted = [word for word in map(change, common) if len(word) >= 15 and _is_accepted(word)]
        assert not accepted
    with_year = [f"{word}2026{word.title()}2026" for word in common]
    assert sum(_is_accepted(word) for word in with_year) <= len(with_year) / 50

    assert len(GOOD[-1]) == passwords.LONGEST
    assert [password for password in GOOD if passwords.check(password) != password] == []

    cases = [
        (GOOD[-1] + "x", []),
        ("danadanadanadana", ["Dana"]),
        ("dana@acme.example", ["dana", "acme.example"]),
        ("ACME.EXAMPLE 2026!", ["acme.example"]),
    ]
    assert [password for password, personal in cases if _is_accepted(password, *personal)] == []


def _is_accepted(password, *personal):
    with suppress(ValueError):
        return bool(passwords.check(password, *personal))
    return False


def test_check_of_any_password_is_quick():
    for symbols in ["4@8({[<369!|10$5+7%2", "aA1!bB2@"]:
        began = time.process_time()
        strength.log10_guesses((symbols * 16)[: passwords.LONGEST])
        judged = time.process_time() - began
        began = time.process_time()
        passwords.hash_password(symbols)
        assert judged < 100 * (time.process_time() - began)


def test_hashed_is_argon2id_at_full_cost_and_matches_the_exact_password(stored):
    parameters = extract_parameters(stored)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19 * 1024, 2, 1)
    assert PASSWORD not in stored

    assert passwords.matches(stored, PASSWORD)
    others = [PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:-1], ""]
    assert [password for password in others if passwords.matches(stored, password)] == []
    broken = ["", "junk", "$argon2id$v=19$junk"]
    assert [text for text in broken if passwords.matches(text, PASSWORD)] == []

    former = PasswordHasher(time_cost=1, memory_cost=16, parallelism=2).hash(PASSWORD)
    assert passwords.matches(former, PASSWORD)
    assert passwords.is_outdated(former)
    assert not passwords.is_outdated(stored)
