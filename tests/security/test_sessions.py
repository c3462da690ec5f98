"""Sessions: each sign-in starts one, and it ends at sign-out, after a time, and when access is revoked."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import pairwise

import pyotp
import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect
from sqlalchemy import func, select

from app.extensions import db
from app.models import WebSession
from devtools.scopes import PASSWORD
from devtools.server import Server
from tests.security.conftest import Clients, Installation, Staged
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.pages import Portal
from tests.support.rows import dump

HOUR, DAY = 3600, 86_400
JUST_IN_TIME = 8 * HOUR - 60
ACME = "/o/acme-support"
QUERY = "/api/calls/providers"
NEW = "a lamp in the north window"


def token_of(cookie: str) -> str:
    """The session's token, which the cookie carries signed and not sealed."""
    session: dict[str, str] = URLSafeTimedSerializer("").loads_unsafe(cookie)[1]
    return session["_user_id"]


@pytest.mark.asvs("7.2.4")
def test_every_sign_in_starts_a_new_session(app: Flask, anonymous: Portal, cast: Cast) -> None:
    """Also one that begins with the cookie of another, which is worth nothing then; no cookie is stored."""
    cookies = [anonymous.sign_in(cast.dana.email).portal.cookie]
    for _ in range(2):
        page = anonymous.get("/sign-in")
        submitted = {"csrf_token": anonymous.token(), "email": cast.dana.email, "password": PASSWORD}
        assert page.title == "Organizations"
        assert anonymous.raw("POST", "/sign-in", data=submitted).status_code == 303
        cookies.append(anonymous.cookie)
    for earlier, later in pairwise(cookies):
        assert token_of(earlier) != token_of(later)
    assert token_of(cookies[-1]) not in repr(dump(app))


def is_used(portal: Portal) -> bool:
    """Whether the browser is signed in. The use is recorded then.

    A request that finds the database busy, as after the clock is set and scheduled work starts, only reads
    the session; others follow it.
    """
    before = _last_seen(portal.app)
    for _ in range(20):
        if not portal.is_signed_in():
            return False
        if _last_seen(portal.app) != before:
            return True
    raise AssertionError("No use is recorded.")


def _last_seen(app: Flask) -> datetime | None:
    """The latest use of any session."""
    with app.app_context(), db.engine.connect() as connection:
        return connection.scalar(select(func.max(WebSession.last_seen_at)))


@pytest.mark.asvs("7.3.1", "7.3.2")
def test_a_session_ends_after_eight_hours_unused_or_seven_days(staged: Staged) -> None:
    clock, (unused, busy) = staged.clock, (Portal(staged.app), Portal(staged.app))
    for portal in (unused, busy):
        portal.sign_in(staged.cast.dana.email)
    for times in range(1, 7 * DAY // JUST_IN_TIME + 1):
        clock.set(times * JUST_IN_TIME)
        assert is_used(busy), times
        if times <= 2:
            assert is_used(unused), times
        elif times == 3:
            clock.set(3 * 8 * HOUR)
            assert not unused.is_signed_in()
    clock.set(7 * DAY - 60)
    assert busy.is_signed_in()
    clock.set(7 * DAY + 60)
    assert not busy.is_signed_in()


@pytest.mark.asvs("7.4.1", "14.3.1")
def test_after_sign_out_the_old_cookie_is_worth_nothing(app: Flask, dana: Portal) -> None:
    thief = Portal(app, dana.cookie)
    token = thief.token()
    assert thief.is_signed_in()
    answer = dana.raw("POST", "/sign-out", data={"csrf_token": dana.token()})
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache"')
    for path in ("/", "/account", f"{ACME}/people", f"{ACME}/people/nothing", "/o/nowhere/"):
        refused = thief.raw("GET", path)
        assert (refused.status_code, refused.headers["Location"].split("?")[0]) == (303, "/sign-in")
        assert "dana" not in refused.text
    htmx = {"HX-Request": "true", "HX-Target": "endpoints"}
    refused = thief.raw("GET", f"{ACME}/endpoints", headers=htmx)
    assert (refused.status_code, refused.data) == (401, b"")
    refused = thief.raw("POST", f"{ACME}/settings", data={"csrf_token": token, "name": "x"}, headers=htmx)
    assert (refused.status_code, refused.data) == (401, b"")


@pytest.fixture
def server(installation: Installation) -> Server:
    """For the browser."""
    return installation.server


@pytest.mark.thorough(
    "test_theme_outlasts_the_session_and_nothing_else_does",
    "test_the_policy_allows_nothing_unsafe_and_nothing_is_stored",
)
@pytest.mark.asvs("14.3.2")
def test_back_after_sign_out_shows_nothing(page: BrowserPage, cast: Cast) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(cast.dana.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{ACME}/people?q=dana")
    expect(page.get_by_text(cast.dana.email).first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert "dana" not in page.evaluate("JSON.stringify([sessionStorage, localStorage])")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page.get_by_text(cast.dana.email)).to_have_count(0)


def works(caller: Caller) -> bool:
    return caller.get(QUERY).status_code == 200


@pytest.mark.asvs("7.4.2")
def test_disabling_a_user_ends_everything(
    app: Flask, dana: Portal, mo: Portal, api: Clients, cast: Cast
) -> None:
    """Revoking one of their tokens ends that token alone."""
    login = {"email": cast.mo.email, "password": PASSWORD}
    by_api = Caller(app, api.anonymous.post("/api/auth/login", login).get_json()["token"])
    assert (mo.is_signed_in(), works(api.mo), works(by_api)) == (True, True, True)
    page = dana.get(f"{ACME}/people/{cast.mo.id}")
    named = [form for form in page.root.all("form") if form.get("action").endswith("/revoke")]
    dana.post(named[0]["action"], {"csrf_token": dana.token()})
    assert [works(api.mo), works(by_api)].count(True) == 1
    assert mo.is_signed_in()
    page.press("Disable Mo")
    assert (mo.is_signed_in(), works(api.mo), works(by_api)) == (False, False, False)
    assert api.anonymous.post("/api/auth/login", login).status_code == 401
    mo.get("/sign-in").press("Sign in", 401, email=cast.mo.email, password=PASSWORD)


@pytest.mark.asvs("6.4.6")
@pytest.mark.asvs("7.4.2")
def test_a_password_that_is_reset_by_link_ends_everything(
    app: Flask, dana: Portal, mo: Portal, api: Clients, cast: Cast
) -> None:
    """A superadmin starts the reset and sees no field for the password; the user chooses it."""
    page = dana.get(f"{ACME}/people/{cast.mo.id}").follow("Reset password…")
    assert not [field for field in page.root.all("input") if "new" in field.get("name", "")]
    link = page.press("Create link").root.one(css="pb-once").one("code").text
    opened = Portal(app).get("/choose-password").press("Continue", key=link.split("#")[1])
    assert (mo.is_signed_in(), works(api.mo)) == (True, True)
    opened.press("Set password and sign in", new_password=NEW)
    assert (mo.is_signed_in(), works(api.mo)) == (False, False)
    mo.get("/sign-in").press("Sign in", 401, email=cast.mo.email, password=PASSWORD)
    assert mo.sign_in(cast.mo.email, NEW).title == "Your account"


@pytest.mark.asvs("7.4.5")
def test_a_superadmin_ends_sessions_of_a_user_one_or_all(
    dana: Portal, mo: Portal, other_browser: Portal, cast: Cast
) -> None:
    person = f"{ACME}/people/{cast.mo.id}"
    rows = dana.get(person).root.by_id("sessions").one("tbody").all("form")
    dana.post(rows[0]["action"], {"csrf_token": dana.token()})
    assert [mo.is_signed_in(), other_browser.is_signed_in()].count(True) == 1
    dana.get(person).press("Sign out Mo everywhere")
    assert (mo.is_signed_in(), other_browser.is_signed_in()) == (False, False)


@pytest.fixture
def other_browser(app: Flask, cast: Cast) -> Portal:
    """Mo's other browser."""
    portal = Portal(app)
    portal.sign_in(cast.mo.email)
    return portal


@pytest.mark.asvs("7.4.3")
def test_a_new_password_or_second_step_ends_the_other_sessions(
    mo: Portal, dana: Portal, other_browser: Portal, api: Clients, cast: Cast
) -> None:
    """And so does a button."""

    def only_mine() -> bool:
        return (mo.is_signed_in(), other_browser.is_signed_in()) == (True, False)

    assert other_browser.is_signed_in()
    mo.get("/account").press("Sign out everywhere else")
    assert only_mine()
    other_browser.sign_in(cast.mo.email)
    page = mo.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    uri = next(code.text for code in page.root.all("code") if "otpauth:" in code.text)
    secret = pyotp.parse_uri(uri).secret
    assert other_browser.is_signed_in()
    page = page.press("Turn on", code=pyotp.TOTP(secret).at(time.time() - 30))
    assert only_mine()
    other_browser.sign_in(cast.mo.email, secret=secret)
    assert other_browser.is_signed_in()
    code = pyotp.TOTP(secret).at(time.time() + 30)
    mo.get("/account").press("Turn off", your_password=PASSWORD, code=code)
    assert only_mine()
    login = {"email": cast.mo.email, "password": PASSWORD}
    by_api = Caller(mo.app, api.anonymous.post("/api/auth/login", login).get_json()["token"])
    other_browser.sign_in(cast.mo.email)
    mo.get("/account").press("Change password", current_password=PASSWORD, new_password=NEW)
    assert only_mine()
    assert not works(by_api)
    assert dana.is_signed_in()
