"""Passwords: long, not common, compared exactly, stored as argon2id hashes."""

from __future__ import annotations

import pytest
from argon2 import Type, extract_parameters
from flask import Flask

from app.models import User
from devtools.scopes import PASSWORD
from tests.security.conftest import Clients
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

LOGIN = "/api/auth/login"
NEW = "a lamp in the north window"
TRIED = ("throttles", "audit_events", "sessions")
COMMON = [
    *[
        "passwordpassword",
        "Password12345678",
        "p@ssword!!!!!!!!!",
        "qwertyuiopasdfghjkl",
        "letmein letmein letmein",
    ],
    *["1qaz2wsx3edc4rfv5tgb", "123456789012345", "987654321098765", "abcdefghijklmnopqr", "aaaaaaaaaaaaaaaa"],
    *["abababababababab", "iloveyouiloveyou1", "correct horse battery staple", "correcthorsebatterystaple"],
    *["patchbaypatchbay", "adminadminadmin!", "changeme-changeme-1", "mo@acme.example"],
]
LONG = [
    "five mild otter",
    "пятнадцать букв и ещё сорок девять, чтобы стало шестьдесят четыре",
    "🔑🚪🏠🌲🏔🌊🐟🐈🐕🌙⭐🔥🍎🥖🎻" * 5,
    " ".join(f"{number} grey cats" for number in range(20)),
]


def change(portal: Portal, current: str, new: str, status: int = 200) -> Page:
    page = portal.get("/account")
    return page.press("Change password", status, current_password=current, new_password=new)


@pytest.mark.asvs("6.2.1")
@pytest.mark.parametrize("password", ["", "short", "fourteen chars"])
def test_a_short_password_is_refused_wherever_one_is_set(
    app: Flask, mo: Portal, dana: Portal, password: str
) -> None:
    with unchanged(app, but=TRIED):
        assert change(mo, PASSWORD, password, 422).error("new_password")
        typed = {"email": "new@acme.example", "name": "New", "role": "member", "password": password}
        page = dana.get("/o/acme-support/people/new").press("Add person", 422, **typed)
        assert page.error("password")


@pytest.mark.asvs("6.2.3")
@pytest.mark.parametrize("current", ["", "a wrong password at that", f"{PASSWORD} ", PASSWORD.upper()])
def test_a_change_needs_the_current_password(app: Flask, mo: Portal, current: str) -> None:
    with unchanged(app, but=TRIED):
        assert change(mo, current, NEW, 422).error("current_password")


@pytest.mark.asvs("6.2.4")
def test_common_passwords_are_refused(app: Flask, mo: Portal) -> None:
    with unchanged(app, but=TRIED):
        for password in COMMON:
            assert change(mo, PASSWORD, password, 422).error("new_password"), password


@pytest.mark.asvs("6.2.8", "6.2.9")
@pytest.mark.parametrize("password", LONG)
def test_a_long_password_in_any_alphabet_is_taken_and_compared_exactly(
    mo: Portal, api: Clients, cast: Cast, password: str
) -> None:
    change(mo, PASSWORD, password)
    assert api.anonymous.post(LOGIN, {"email": cast.mo.email, "password": password}).status_code == 200
    for other in (
        password[:-1],
        password[1:],
        f"{password} ",
        f" {password}",
        password.swapcase(),
        password * 2,
    ):
        if other != password:
            body = {"email": cast.mo.email, "password": other}
            assert api.anonymous.post(LOGIN, body).status_code in (401, 422), other


@pytest.mark.asvs("11.4.2")
def test_a_password_is_stored_as_an_argon2id_hash(app: Flask, mo: Portal, cast: Cast) -> None:
    change(mo, PASSWORD, NEW)
    with scope_as(app, cast.mo) as scope:
        stored = scope.session.get_one(User, cast.mo.id).password_hash
    made = extract_parameters(stored)
    assert made.type is Type.ID
    assert (made.memory_cost, made.time_cost) >= (19 * 1024, 2)
    assert NEW not in stored
