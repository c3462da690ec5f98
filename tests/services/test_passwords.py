from __future__ import annotations

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from app.services import passwords
from tests.support.cast import PASSWORD
from tests.support.hashing import SHIPPED, hashing_with

COMMON = [
    "passwordpassword",
    "Password12345678",
    "p@ssword!!!!!!!!!",
    "qwertyuiopasdfghjkl",
    "1qaz2wsx3edc4rfv5tgb",
    "123456789012345",
    "987654321098765",
    "abcdefghijklmnopqr",
    "aaaaaaaaaaaaaaaa",
    "abababababababab",
    "iloveyouiloveyou1",
    "letmein letmein letmein",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "patchbaypatchbay",
    "adminadminadmin!",
    "changeme-changeme-1",
]
GOOD = [
    PASSWORD,
    "seven tall pines by the lake",
    "fjord-quartz-vex",
    "пятнадцать букв и ещё",
    "🔑🚪🏠🌲🏔🌊🐟🐈🐕🌙⭐🔥🍎🥖🎻",
    "four grey cats " * 16,
]


@pytest.fixture(scope="module", autouse=True)
def shipped() -> Iterator[None]:
    with hashing_with(SHIPPED):
        yield


@pytest.fixture(scope="module")
def stored() -> str:
    return passwords.hashed(PASSWORD)


@pytest.mark.parametrize("password", COMMON)
def test_it_refuses_what_everybody_tries(password):
    with pytest.raises(ValueError, match="among the first that are tried"):
        passwords.check(password)


def test_it_refuses_what_is_far_too_long():
    with pytest.raises(ValueError, match="at most 256"):
        passwords.check("x y z" * 52)


@pytest.mark.parametrize("password", GOOD)
def test_it_takes_long_ones_in_any_letters(password):
    assert passwords.check(password) == password


@pytest.mark.parametrize(
    ("password", "personal"),
    [
        ("danadanadanadana", ["Dana"]),
        ("dana@acme.example", ["dana", "acme.example"]),
        ("ACME.EXAMPLE 2026!", ["acme.example"]),
    ],
)
def test_it_refuses_the_persons_own_words(password, personal):
    with pytest.raises(ValueError, match="among the first"):
        passwords.check(password, *personal)


def test_it_hashes_with_argon2id_at_full_cost(stored):
    made = extract_parameters(stored)
    assert made.type is Type.ID
    assert (made.memory_cost, made.time_cost, made.parallelism) == (19 * 1024, 2, 1)
    assert PASSWORD not in stored


@pytest.mark.parametrize("password", [PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:-1], ""])
def test_only_the_exact_password_matches(stored, password):
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.matches(stored, password)


@pytest.mark.parametrize("broken", ["", "junk", "$argon2id$v=19$junk"])
def test_a_broken_hash_matches_nothing(broken):
    assert not passwords.matches(broken, PASSWORD)


def test_a_hash_of_other_parameters_is_outdated_and_matches(stored):
    former = PasswordHasher(time_cost=1, memory_cost=16, parallelism=2).hash(PASSWORD)
    assert passwords.matches(former, PASSWORD)
    assert passwords.is_outdated(former)
    assert not passwords.is_outdated(stored)


def test_a_generated_password_is_a_good_one():
    made = {passwords.generated() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        assert passwords.check(password) == password
        assert not set(password) & set("01ilo")
