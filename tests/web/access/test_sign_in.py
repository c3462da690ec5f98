"""Signing in and out, with one step and with two."""

from __future__ import annotations

import time

import pyotp
import pytest
from flask import Flask

from app.models import User
from app.services.access import totp
from app.web.access import messages
from devtools.scopes import PASSWORD
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Portal


@pytest.fixture
def secret(app: Flask, cast: Cast) -> str:
    """Of Dana, for whom two-step sign-in is on."""
    with scope_as(app, cast.dana) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    return secret


def test_sign_in_leads_to_the_page_of_ones_role_or_the_requested_one(
    app: Flask, anonymous: Portal, cast: Cast
) -> None:
    page = anonymous.get("/o/acme-support/endpoints?q=%2B1&active=on")
    assert page.title == "Sign in"
    assert page.root.one("div", css="pb-plain-top").text == "Patchbay localhost"
    labels = {label.text: label["for"] for label in page.root.all("label")}
    assert page.root.by_id(labels["Email"])["name"] == "email"
    assert page.root.by_id(labels["Password"])["type"] == "password"
    there = page.press("Sign in", email="  DANA@acme.example ", password=PASSWORD)
    assert there.path == "/o/acme-support/endpoints?q=%2B1&active=on"
    assert anonymous.get("/sign-in").title == "Organizations"

    assert Portal(app).sign_in(cast.dana.email).title == "Organizations"
    assert Portal(app).sign_in(cast.mo.email).title == "Your account"


def test_code_page_needs_a_password_first_and_clears_a_wrong_code(
    anonymous: Portal, cast: Cast, secret: str
) -> None:
    """The next code differs in each digit; a recovery code may have one wrong letter, and is kept."""
    assert anonymous.get("/sign-in/code").title == "Sign in"
    submitted = {"csrf_token": anonymous.token(), "code": pyotp.TOTP(secret).now()}
    page = anonymous.post("/sign-in/code", submitted)
    assert page.title == "Sign in"
    assert messages.SIGN_IN_EXPIRED in page.notes
    page = anonymous.sign_in(cast.dana.email).press("Continue", 401, code="000000")
    assert (page.value("code"), bool(page.notes)) == ("", True)
    page = page.follow("Use a recovery code").press("Continue", 401, code="aaaa-bbbb")
    assert page.value("code") == "aaaa-bbbb"
