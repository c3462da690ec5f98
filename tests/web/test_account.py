"""One's own page: numbers, tokens, password, two-step sign-in."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask

from tests.support.caller import Caller
from tests.support.cast import PASSWORD, Cast
from tests.support.pages import Portal
from tests.support.rows import dump, unchanged

NEW = "a lamp in the north window"
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
URI = re.compile(r"otpauth://totp/\S+secret=(\w+)\S*")


def test_a_member_finds_their_numbers(dana: Portal, mo: Portal, cast: Cast) -> None:
    assert "You have none. A superadmin gives them." in mo.get("/account").text
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}")
    page.press("Give number", phoneNumber="+15557654321", provider="sinch", label="Desk")
    text = mo.get("/account").text
    assert "+1 555-765-4321 Desk Sinch Default" in text
    assert "mo@acme.example, Acme Support" in text


@pytest.mark.asvs("8.2.3")
def test_a_member_reaches_nothing_else(mo: Portal) -> None:
    assert mo.get("/").path == "/account"
    for path in ("/o/acme-support/", "/o/acme-support/people", "/o/globex/", "/organizations/new"):
        page = mo.get(path, 403)
        assert page.title == "Not allowed"
        assert "Your own page is under Account." in page.text


def test_a_member_issues_and_revokes_a_token(app: Flask, mo: Portal) -> None:
    page = mo.get("/account")
    assert not page.root.all("input", name="scope")
    with unchanged(app, but=("throttles", "audit_events")):
        refused = page.press("Issue token", 422, name="Mine", your_password="not it at all")
    assert "This is not your password." in refused.text
    page = page.press("Issue token", name="Mine", your_password=PASSWORD)
    (jwt,) = set(JWT.findall(page.source))
    caller = Caller(app, jwt)
    assert caller.get("/api/calls/providers").status_code == 200
    page = page.follow("Done")
    assert jwt not in page.source
    page.press("Revoke Mine")
    assert caller.get("/api/calls/providers").status_code == 401


@pytest.mark.asvs("8.4.1")
def test_nobody_revokes_anothers_token(app: Flask, dana: Portal, mo: Portal) -> None:
    mo.get("/account").press("Issue token", name="Mine", your_password=PASSWORD)
    (row,) = dump(app)["api_tokens"]
    with unchanged(app):
        dana.post(f"/account/tokens/{row[0]}/revoke", {"csrf_token": dana.token()}, 404)


@pytest.mark.asvs("7.4.3")
def test_a_new_password_ends_the_other_sessions(app: Flask, mo: Portal, dana: Portal, cast: Cast) -> None:
    elsewhere = Portal(app)
    elsewhere.sign_in(cast.mo.email)
    page = mo.get("/account").press("Change password", current_password=PASSWORD, new_password=NEW)
    assert "Your password is changed, and your other sessions are signed out." in page.notes
    assert mo.is_signed_in()
    assert not elsewhere.is_signed_in()
    assert dana.is_signed_in()
    elsewhere.get("/sign-in").press("Sign in", 401, email=cast.mo.email, password=PASSWORD)
    assert elsewhere.sign_in(cast.mo.email, NEW).title == "Your account"


@pytest.mark.asvs("6.2.3")
@pytest.mark.parametrize(
    ("current", "new", "field", "said"),
    [
        ("", NEW, "current_password", "This is not your password"),
        ("a wrong password at that", NEW, "current_password", "This is not your password"),
        (PASSWORD, "short", "new_password", "15 characters"),
        (PASSWORD, "mo@acme.example", "new_password", "first that are tried"),
    ],
)
def test_a_password_that_cannot_be_is_refused(
    mo: Portal, current: str, new: str, field: str, said: str
) -> None:
    page = mo.get("/account")
    with unchanged(mo.app, but=("throttles", "audit_events", "sessions")):
        page = page.press("Change password", 422, current_password=current, new_password=new)
    assert said in page.error(field)


def test_two_step_sign_in_is_enrolled_used_and_switched_off(app: Flask, mo: Portal, cast: Cast) -> None:
    elsewhere = Portal(app)
    elsewhere.sign_in(cast.mo.email)
    page = mo.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    assert page.root.one(css="pb-qr").all("svg")
    (secret,) = URI.findall(page.text)
    assert elsewhere.is_signed_in()
    with unchanged(app):
        wrong = page.press("Switch on", 422, code="000000")
    assert "does not match" in wrong.error("code")
    page = page.press("Switch on", code=pyotp.TOTP(secret).now())
    assert "Two-step sign-in is on. Your other sessions are signed out." in page.notes
    assert secret not in page.source
    assert mo.is_signed_in()
    assert not elsewhere.is_signed_in()
    assert elsewhere.sign_in(cast.mo.email).title == "Enter the code"

    with unchanged(app, but=("throttles", "audit_events")):
        refused = page.press("Switch off", 422, your_password="not it at all")
    assert "This is not your password." in refused.text
    page = page.press("Switch off", your_password=PASSWORD)
    assert "Two-step sign-in is off." in page.notes
    assert Portal(app).sign_in(cast.mo.email).title == "Your account"


def test_setting_two_step_sign_in_up_asks_for_the_password(app: Flask, mo: Portal) -> None:
    page = mo.get("/account")
    with unchanged(app, but=("throttles", "audit_events")):
        page = page.press("Set up two-step sign-in", 422, your_password="not it at all")
    assert page.root.by_id("totpbegin-your_password-error").text == "This is not your password."
    assert page.root.one(css="pb-summary").text
    assert not URI.search(page.text)


def test_beginning_again_does_not_replace_a_secret_that_is_on(app: Flask, mo: Portal) -> None:
    page = mo.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    (secret,) = URI.findall(page.text)
    page.press("Switch on", code=pyotp.TOTP(secret).now())
    with unchanged(app, but=("sessions",)):
        page = mo.post("/account/two-step", {"csrf_token": mo.token(), "your_password": PASSWORD})
    assert "Two-step sign-in is on already." in page.notes


@pytest.mark.asvs("6.3.1")
def test_guessing_the_current_password_is_throttled(mo: Portal) -> None:
    page = mo.get("/account")
    for _ in range(10):
        page.press("Change password", 422, current_password="not it at all", new_password=NEW)
    page.press("Change password", 429, current_password=PASSWORD, new_password=NEW)
