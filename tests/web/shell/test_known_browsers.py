"""An attacker who fills an account's limits does not lock out who has signed in with a browser before."""

from __future__ import annotations

import time

import pyotp
import pytest
from flask import Flask

from app.models import User
from app.services.access import totp
from app.web.shell.known_browsers import COOKIE
from devtools.scopes import PASSWORD
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import Portal
from tests.support.rows import count_as

MISTYPED = "not the password at all"


@pytest.fixture
def known_browser(app: Flask, cast: Cast) -> Portal:
    """A browser with which Dana has signed in, and out."""
    portal = Portal(app)
    portal.sign_in(cast.dana.email)
    portal.sign_out()
    return portal


def _fill(app: Flask, email: str, portal: Portal | None = None) -> None:
    page = (portal or Portal(app)).get("/sign-in").press("Sign in", 401, email=email, password=MISTYPED)
    count_as(app, 9)
    page = page.press("Sign in", 401, email=email, password=MISTYPED)
    page.press("Sign in", 429, email=email, password=MISTYPED)


def test_anonymous_failures_do_not_lock_out_a_known_browser(
    app: Flask, cast: Cast, known_browser: Portal
) -> None:
    """It has ten attempts of its own, for the users who signed in with it."""
    cookie = known_browser.client.get_cookie(COOKIE)
    assert cookie is not None
    assert (cookie.secure, cookie.http_only, cookie.same_site) == (True, True, "Strict")
    assert cookie.path == "/"
    assert cast.dana.email not in cookie.value

    _fill(app, cast.dana.email)
    for forged in [None, "", "x", "WyJ4IixbXV0.x", "\u00e9"]:
        portal = Portal(app)
        if forged is not None:
            portal.client.set_cookie(COOKIE, forged)
        portal.get("/sign-in").press("Sign in", 429, email=cast.dana.email, password=PASSWORD)
    assert known_browser.sign_in(cast.dana.email).title == "Organizations"

    known_browser.sign_out()
    _fill(app, cast.dana.email, known_browser)
    _fill(app, cast.mo.email)
    known_browser.get("/sign-in").press("Sign in", 429, email=cast.mo.email, password=PASSWORD)


def test_known_browser_has_its_own_limit_of_codes(app: Flask, cast: Cast, known_browser: Portal) -> None:
    with scope_as(app, cast.dana) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    page = Portal(app).sign_in(cast.dana.email).press("Continue", 401, code="000000")
    count_as(app, 9)
    page = page.press("Continue", 401, code="000000")
    page.press("Continue", 429, code=pyotp.TOTP(secret).now())
    assert known_browser.sign_in(cast.dana.email, secret=secret).title == "Organizations"
