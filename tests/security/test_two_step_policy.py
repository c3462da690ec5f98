"""Superadmins who need two-step sign-in and have none."""

from __future__ import annotations

import pyotp
import pytest
from flask import Flask

from app.models import User
from app.services.access import two_step_policy
from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.full_organization import scope_as
from tests.support.pages import Portal
from tests.support.rows import unchanged


@pytest.fixture
def required(app: Flask, cast: Cast, secret: str) -> None:
    """Dana has two-step sign-in, and requires it of superadmins."""
    with scope_as(app, cast.dana) as scope:
        two_step_policy.set_on(scope, scope.session.get_one(User, cast.dana.id), True)


@pytest.mark.asvs("6.3.4")
def test_superadmin_without_it_can_only_turn_it_on(
    app: Flask, required: None, gus: Portal, mo: Portal, cast: Cast
) -> None:
    for path in ("/", "/security", "/audit", "/o/globex/endpoints", "/api/docs"):
        assert gus.get(path).path in ("/account#two-step", "/api/docs"), path
    part = gus.raw("GET", "/o/globex/endpoints", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (403, "/account#two-step")
    token = {"csrf_token": gus.token(), "name": "Mine", "expires_days": "9", "your_password": PASSWORD}
    with unchanged(app, but=("sessions", "throttles")):
        assert gus.raw("POST", "/account/tokens", data=token).status_code == 303
    login = {"email": cast.gus.email, "password": PASSWORD}
    refused = Caller(app).post("/api/auth/login", login)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "TWO_STEP_NEEDED")
    issued = Caller(app, issue(app, cast.gus).jwt)
    assert issued.get("/api/organizations").status_code == 200
    assert mo.get("/account").title == "Your account"
    page = gus.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    secret = page.root.all(css="pb-once")[0].one("code").text.replace(" ", "")
    page.press("Turn on", code=pyotp.TOTP(secret).now())
    assert gus.get("/").path == "/"
