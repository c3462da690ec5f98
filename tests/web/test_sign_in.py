"""Signing in and out, with one step and with two."""

from __future__ import annotations

import time

import pyotp
import pytest
from flask import Flask

from app.models import User
from app.services import totp
from tests.support.cast import PASSWORD, Cast
from tests.support.furnished import scope_as
from tests.support.pages import Portal
from tests.support.rows import audit

WRONG = "The email or the password is not right."


@pytest.fixture
def secret(app: Flask, cast: Cast) -> str:
    """Of Dana, for whom two-step sign-in is on."""
    with scope_as(app, cast.dana) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    return secret


def test_a_superadmin_comes_to_the_organizations(nobody: Portal, cast: Cast) -> None:
    page = nobody.sign_in("  DANA@acme.example ")
    assert page.title == "Organizations"
    assert nobody.get("/sign-in").title == "Organizations"


def test_a_member_comes_to_their_account(nobody: Portal, cast: Cast) -> None:
    assert nobody.sign_in(cast.mo.email).title == "Your account"


def test_labels_and_button_are_as_promised(nobody: Portal) -> None:
    page = nobody.get("/sign-in")
    labels = {label.text: label["for"] for label in page.root.all("label")}
    assert page.root.by_id(labels["Email"])["name"] == "email"
    assert page.root.by_id(labels["Password"])["type"] == "password"
    assert page.has_button("Sign in")


@pytest.mark.asvs("6.3.8")
def test_nobody_and_a_wrong_password_are_answered_alike(nobody: Portal, cast: Cast) -> None:
    pages = [
        nobody.get("/sign-in").press("Sign in", 401, email=email, password="a wrong password")
        for email in (cast.dana.email, "nobody@acme.example")
    ]
    assert [page.notes for page in pages] == [f"Problem: {WRONG}"] * 2
    assert pages[0].value("email") == cast.dana.email
    assert pages[0].value("password") == ""
    known, unknown = (page.text for page in pages)
    assert known == unknown
    assert not nobody.is_signed_in()


@pytest.mark.asvs("16.3.1")
def test_what_is_tried_is_audited(app: Flask, nobody: Portal, cast: Cast) -> None:
    nobody.get("/sign-in").press("Sign in", 401, email=cast.dana.email, password="a wrong password")
    nobody.sign_in(cast.dana.email)
    nobody.sign_out()
    told = [(event.action, event.subject) for event in audit(app)[-3:]]
    assert told == [(action, cast.dana.email) for action in ("sign-in.refused", "signed-in", "signed-out")]
    assert [event.ip for event in audit(app)[-3:]] == ["127.0.0.1"] * 3


@pytest.mark.asvs("6.3.1")
def test_ten_misses_stop_that_account_and_no_other(app: Flask, nobody: Portal, cast: Cast) -> None:
    page = nobody.get("/sign-in")
    for _ in range(10):
        page = page.press("Sign in", 401, email="ghost@acme.example", password="a wrong password")
    stopped = page.press("Sign in", 429, email="Ghost@acme.example", password="a wrong password")
    assert "Too many tries. Wait " in stopped.notes
    assert 0 < int(stopped.answer.headers["Retry-After"]) <= 15 * 60
    assert nobody.sign_in(cast.dana.email).title == "Organizations"


def test_it_leads_back_to_what_was_asked_for(nobody: Portal, cast: Cast) -> None:
    page = nobody.get("/o/acme-support/endpoints?q=%2B1&active=on")
    assert page.title == "Sign in"
    there = page.press("Sign in", email=cast.dana.email, password=PASSWORD)
    assert there.path == "/o/acme-support/endpoints?q=%2B1&active=on"
    assert there.title == "Endpoints"


@pytest.mark.asvs("6.3.3")
def test_the_password_alone_reaches_nothing_where_a_code_is_asked(
    nobody: Portal, cast: Cast, secret: str
) -> None:
    page = nobody.sign_in(cast.dana.email)
    assert page.title == "Enter the code"
    for path in ("/", "/account", "/o/acme-support/", "/o/acme-support/people"):
        assert nobody.get(path).title == "Sign in"
    assert page.press("Continue", code=pyotp.TOTP(secret).now()).title == "Organizations"


@pytest.mark.asvs("6.5.1")
def test_a_code_is_accepted_once(app: Flask, nobody: Portal, cast: Cast, secret: str) -> None:
    code = pyotp.TOTP(secret).now()
    nobody.sign_in(cast.dana.email).press("Continue", code=code)
    other = Portal(app)
    page = other.sign_in(cast.dana.email).press("Continue", 401, code=code)
    assert "used already" in page.notes
    assert not other.is_signed_in()


def test_wrong_codes_are_counted(nobody: Portal, cast: Cast, secret: str) -> None:
    page = nobody.sign_in(cast.dana.email)
    for _ in range(10):
        page = page.press("Continue", 401, code="000000")
        assert "does not match" in page.notes
    page = page.press("Continue", 429, code=pyotp.TOTP(secret).now())
    assert "Too many tries" in page.notes
    assert int(page.answer.headers["Retry-After"]) > 0
    assert not nobody.is_signed_in()


def test_the_second_step_is_nobodys_without_the_first(nobody: Portal, cast: Cast, secret: str) -> None:
    assert nobody.get("/sign-in/code").title == "Sign in"
    token = nobody.token()
    page = nobody.post("/sign-in/code", {"csrf_token": token, "code": pyotp.TOTP(secret).now()})
    assert page.title == "Sign in"
    assert "Enter your email and password again" in page.notes
