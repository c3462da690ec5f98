"""Two-step sign-in that superadmins need."""

from __future__ import annotations

import time

import pyotp
from flask import Flask

from app.models import User
from app.services.access import totp
from tests.support.cast import Cast, Person
from tests.support.full_organization import scope_as
from tests.support.pages import Portal
from tests.support.rows import audit, unchanged


def turn_on(app: Flask, person: Person) -> str:
    """The secret of a person who has turned it on."""
    with scope_as(app, person) as scope:
        user = scope.session.get_one(User, person.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    return secret


def test_requirement_needs_ones_own_second_step_and_can_be_ended(
    app: Flask, dana: Portal, gus: Portal, cast: Cast
) -> None:
    page = dana.get("/security")
    assert not page.has_button("Require it")
    with unchanged(app):
        submitted = {"csrf_token": dana.token(), "needed": "yes"}
        assert dana.raw("POST", "/security", data=submitted).status_code == 409
    dana = Portal(app)
    dana.sign_in(cast.dana.email, secret=turn_on(app, cast.dana))
    dana.get("/security").send("Require it")
    account = gus.get("/")
    assert account.path == "/account#two-step"
    assert account.root.by_id("two-step").all("summary", css="btn-primary")
    dana.get("/security").send("Make it optional")
    assert gus.get("/").path == "/"
    actions = [event.action for event in audit(app)]
    assert [each for each in actions if each.startswith("two-step")][-2:] == [
        "two-step.required",
        "two-step.optional",
    ]
