"""Passwords: long, not common, compared exactly, stored as argon2id hashes."""

from __future__ import annotations

import pytest
from argon2 import Type, extract_parameters
from flask import Flask
from sqlalchemy import delete
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.extensions import db
from app.models import Throttle, User
from app.services.access import password_links
from devtools.scopes import PASSWORD
from tests.security.conftest import Clients
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import unchanged

LOGIN = "/api/auth/login"
NEW = "a lamp in the north window"
TRIED = ("throttles", "audit_events", "sessions")
SHORT = ["", "short", "fourteen chars", "five mild otte"]
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
    *["kartoffelpuffer", "kartoffelpuffer-Kartoffelpuffer"],
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


def opened_link(app: Flask, cast: Cast) -> Page:
    """The page on which a user chooses a password."""
    with scope_as(app, cast.dana) as scope:
        link = password_links.create(scope, scope.session.get_one(User, cast.mo.id))
    return Portal(app).get("/choose-password").press("Continue", key=link.token)


@pytest.mark.asvs("6.2.3", "6.2.1", "6.2.4")
def test_a_new_password_needs_the_current_one_and_strength(
    app: Flask, mo: Portal, cast: Cast, thorough: bool
) -> None:
    """Those of `COMMON`, and of the 3,000 most common ones a part, doubled and decorated.

    Unless thorough, some of them: `test_check_refuses_guessable_passwords_and_accepts_long_ones` has more.
    """
    with unchanged(app, but=TRIED):
        for current in ("", "a wrong password at that", f"{PASSWORD} ", PASSWORD.upper()):
            assert change(mo, current, NEW, 422).error("current_password"), current

    words = [word for word in FREQUENCY_LISTS["passwords"][:3000] if len(word) > 3][
        :: 100 if thorough else 1000
    ]
    doubled = [word * 4 for word in words if len(word) * 4 >= 15]
    decorated = [f"{word}-{word.title()}_{word}!{word}" for word in words]
    accepted = []
    page = opened_link(app, cast)
    with unchanged(app, but=TRIED):
        for password in SHORT if thorough else SHORT[1:2]:
            assert change(mo, PASSWORD, password, 422).error("new_password"), password
        tried = [*SHORT, *COMMON, *doubled, *decorated]
        for password in tried if thorough else tried[1::5]:
            page = page.press("Set password and sign in", 422, new_password=password)
            if not page.error("new_password"):
                accepted.append(password)
    assert accepted == []
    assert len(tried) > (80 if thorough else 20)


@pytest.mark.thorough(
    "test_check_refuses_guessable_passwords_and_accepts_long_ones",
    "test_hashed_is_argon2id_at_full_cost_and_matches_the_exact_password",
)
@pytest.mark.asvs("6.2.8", "6.2.9", "11.4.2")
def test_a_long_password_is_hashed_and_compared_exactly(mo: Portal, api: Clients, cast: Cast) -> None:
    current = PASSWORD
    for password in LONG:
        change(mo, current, password)
        current = password
        _clear_attempts(mo.app)
        assert api.anonymous.post(LOGIN, {"email": cast.mo.email, "password": password}).status_code == 200
        others = {f"{password} ", f" {password}", password.swapcase(), password[:-1], password[1:]}
        for other in (others | {password * 2}) - {password}:
            body = {"email": cast.mo.email, "password": other}
            assert api.anonymous.post(LOGIN, body).status_code in (401, 422), other
    with scope_as(mo.app, cast.mo) as scope:
        stored = scope.session.get_one(User, cast.mo.id).password_hash
    parameters = extract_parameters(stored)
    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost) >= (19 * 1024, 2)
    assert current not in stored


def _clear_attempts(app: Flask) -> None:
    with app.app_context():
        db.session.execute(delete(Throttle))
        db.session.commit()
