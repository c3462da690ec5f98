from __future__ import annotations

import pytest

from app.services import passwords
from tests.support.cast import PASSWORD, hashed_password

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


@pytest.mark.asvs("6.2.4")
@pytest.mark.parametrize("password", COMMON)
def test_it_refuses_what_everybody_tries(password):
    with pytest.raises(ValueError, match="among the first that are tried"):
        passwords.check(password)


@pytest.mark.asvs("6.2.1")
@pytest.mark.parametrize("password", ["", "short", "fourteen chars"])
def test_it_refuses_fewer_than_15_characters(password):
    with pytest.raises(ValueError, match="15 characters or more"):
        passwords.check(password)


def test_it_refuses_what_is_far_too_long():
    with pytest.raises(ValueError, match="at most 256"):
        passwords.check("x y z" * 52)


@pytest.mark.asvs("6.2.8")
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


@pytest.mark.asvs("11.4.2")
def test_it_hashes_with_argon2id():
    assert hashed_password().startswith("$argon2id$")
    assert PASSWORD not in hashed_password()


@pytest.mark.asvs("6.2.9")
@pytest.mark.parametrize("password", [PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:-1], ""])
def test_only_the_exact_password_matches(password):
    assert passwords.matches(hashed_password(), PASSWORD)
    assert not passwords.matches(hashed_password(), password)


@pytest.mark.parametrize("stored", [None, "", "junk", "$argon2id$v=19$junk"])
def test_nobody_and_a_broken_hash_match_nothing(stored):
    assert not passwords.matches(stored, "the password of nobody at all")


@pytest.mark.asvs("6.3.8")
def test_a_hash_is_verified_for_nobody_as_well(monkeypatch):
    verified = []

    class Hasher:
        def verify(self, *arguments):
            verified.append(arguments)
            return True

    nobodys = passwords._nobodys()
    monkeypatch.setattr(passwords, "_hasher", Hasher())
    assert not passwords.matches(None, PASSWORD)
    assert verified == [(nobodys, PASSWORD)]
