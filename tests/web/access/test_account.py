"""One's own page: numbers, tokens, password, two-step sign-in."""

from __future__ import annotations

import re
import shlex
import time
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from flask import Flask

from app.core import clock
from app.extensions import db
from app.services import messages as shared_messages
from app.services.access import messages as access_messages
from app.services.access import tokens
from app.web.access import messages
from devtools.html import filled
from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.pages import Page, Portal
from tests.support.rows import audit, dump, unchanged

NEW = "a lamp in the north window"
JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
URI = re.compile(r"otpauth://totp/\S+secret=(\w+)\S*")


def codes_of(page: Page) -> list[str]:
    return [item.text for item in page.root.one(css="pb-codes").all("li")]


@pytest.fixture
def secret(mo: Portal) -> str:
    """Of Mo's authenticator, which is on."""
    page = mo.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    (secret,) = URI.findall(page.text)
    page.press("Turn on", code=pyotp.TOTP(secret).at(time.time() - 30))
    return secret


def new_codes(portal: Portal, secret: str) -> Page:
    typed: dict[str, Any] = {"your_password": PASSWORD, "code": pyotp.TOTP(secret).now()}
    return portal.get("/account").press("Generate codes", **typed)


def test_account_lists_the_members_numbers(dana: Portal, mo: Portal, cast: Cast) -> None:
    assert "No numbers assigned. Ask a superadmin to assign one." in mo.get("/account").text
    page = dana.get(f"/o/acme-support/people/{cast.mo.id}")
    page.press("Assign number", phone_number="+15557654321", provider="sinch", label="Desk")
    text = mo.get("/account").text
    assert "+1 555-765-4321 Desk Sinch Default" in text
    assert "mo@acme.example, Acme Support" in text


def test_create_token_by_a_member_works_until_revoked(app: Flask, mo: Portal, cast: Cast) -> None:
    page = mo.get("/account")
    assert not page.root.all("input", name="scope")
    with unchanged(app, but=("throttles", "audit_events")):
        refused = page.press("Create token", 422, name="Mine", your_password="not it at all")
    assert access_messages.WRONG_PASSWORD in refused.text
    page = page.press("Create token", name="Mine", your_password=PASSWORD)
    (jwt,) = set(JWT.findall(page.source))
    caller = Caller(app, jwt)
    assert caller.get("/api/calls/providers").status_code == 200
    (command,) = (code.text for code in page.root.all("code") if code.text.startswith("curl"))
    assert caller.get(urlsplit(shlex.split(command)[-1]).path).json["user"]["email"] == cast.mo.email  # type: ignore[index]
    page = page.follow("Done")
    assert jwt not in page.source
    page.press("Revoke Mine")
    assert caller.get("/api/calls/providers").status_code == 401


def test_token_list_shows_last_use_and_expiry(app: Flask, mo: Portal, cast: Cast) -> None:
    issued, expired = issue(app, cast.mo), issue(app, cast.mo, days=-1)
    rows = _token_rows(mo)
    assert "never" in rows[0]
    assert "Expired" in rows[1]
    assert not mo.get("/account").root.all("form", action=f"/account/tokens/{expired.token.id}/revoke")
    with app.app_context():
        tokens.mark_used(db.engine, {issued.token.id}, clock.now())
    assert "never" not in _token_rows(mo)[0]


def _token_rows(portal: Portal) -> list[str]:
    return [row.text for row in portal.get("/account").root.by_id("tokens").one("tbody").all("tr")]


def test_two_step_sign_in_is_turned_on_used_and_turned_off(app: Flask, mo: Portal, cast: Cast) -> None:
    elsewhere = Portal(app)
    elsewhere.sign_in(cast.mo.email)
    page = mo.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    assert page.root.one(css="pb-qr").all("svg")
    (secret,) = URI.findall(page.text)
    assert elsewhere.is_signed_in()
    with unchanged(app):
        wrong = page.press("Turn on", 422, code="000000")
    assert "ncorrect" in wrong.error("code")
    page = page.press("Turn on", code=pyotp.TOTP(secret).now())
    assert messages.TWO_STEP_ON in page.notes
    assert secret not in page.source
    kept = codes_of(page)
    page = page.follow("I've saved these codes")
    assert "10 recovery codes left." in page.text
    assert mo.is_signed_in()
    assert not elsewhere.is_signed_in()
    assert elsewhere.sign_in(cast.mo.email).title == "Enter the code"

    ahead = pyotp.TOTP(secret).at(time.time() + 30)
    with unchanged(app, but=("throttles", "audit_events", "sessions")):
        refused = page.press("Turn off", 422, your_password="not it at all", code=ahead)
        assert access_messages.WRONG_PASSWORD in refused.text
        refused = page.press("Turn off", 422, your_password=PASSWORD, code="000000")
        assert "ncorrect" in refused.notes
    elsewhere.get("/sign-in/code").press("Continue", code=ahead)
    page = page.press("Turn off", 422, your_password=PASSWORD, code=ahead)
    page = page.press("Turn off", your_password=PASSWORD, code=kept[0])
    assert messages.TWO_STEP_OFF in page.notes
    assert not elsewhere.is_signed_in()
    assert dump(app)["recovery_codes"] == []
    assert Portal(app).sign_in(cast.mo.email).title == "Your account"


def test_two_step_setup_requires_the_password(app: Flask, mo: Portal) -> None:
    page = mo.get("/account")
    with unchanged(app, but=("throttles", "audit_events")):
        page = page.press("Set up two-step sign-in", 422, your_password="not it at all")
    assert page.root.by_id("totpbegin-your_password-error").text == access_messages.WRONG_PASSWORD
    assert page.root.one(css="pb-summary").text
    assert not URI.search(page.text)


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def firefox(app: Flask, cast: Cast) -> Portal:
    """Mo in another browser."""
    portal = Portal(app)
    portal.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    portal.sign_in(cast.mo.email)
    return portal


def test_account_lists_sessions_and_ends_one(app: Flask, mo: Portal, firefox: Portal) -> None:
    page = mo.get("/account")
    rows = [row.text for row in page.root.by_id("sessions").one("tbody").all("tr")]
    assert len(rows) == 2
    assert [("Firefox on Linux" in row, "This device" in row, "127.0.0.1" in row) for row in rows] == [
        (True, False, True),
        (False, True, True),
    ]
    page = page.press("Sign out: Firefox on Linux, 127.0.0.1")
    assert messages.session_ended("Firefox on Linux") in page.notes
    assert not firefox.is_signed_in()
    assert not page.has_button("Sign out everywhere else")
    assert [event.action for event in audit(app)][-1] == "session.ended"


def test_sign_out_everywhere_else_keeps_this_session(
    app: Flask, mo: Portal, dana: Portal, firefox: Portal, cast: Cast
) -> None:
    sent = {"email": cast.mo.email, "password": PASSWORD}
    caller = Caller(app, Caller(app).post("/api/auth/login", sent).get_json()["token"])
    assert caller.get("/api/calls/providers").status_code == 200
    page = mo.get("/account").press("Sign out everywhere else")
    assert messages.OTHERS_SIGNED_OUT in page.notes
    assert (mo.is_signed_in(), dana.is_signed_in(), firefox.is_signed_in()) == (True, True, False)
    assert caller.get("/api/calls/providers").status_code == 401


def test_recovery_codes_are_shown_once_and_downloaded(app: Flask, mo: Portal, secret: str) -> None:
    page = new_codes(mo, secret)
    codes = codes_of(page)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"(\w{4}-){3}\w{4}", code) for code in codes)
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert page.root.one("button", css="pb-copy")["data-copy"].splitlines() == codes
    form, _ = page.form_with("Download")
    file = mo.raw("POST", form["action"], data=filled(form, {}))
    assert file.mimetype == "text/plain"
    assert file.headers["Cache-Control"] == "no-store"
    assert file.headers["Content-Disposition"] == 'attachment; filename="patchbay-recovery-codes.txt"'
    assert file.text.splitlines()[2:] == codes
    stored = repr(dump(app))
    for code in codes:
        assert code not in mo.get("/account").source
        assert code not in stored
        assert code.replace("-", "") not in stored


def test_recovery_code_file_has_only_the_users_own_codes(mo: Portal, dana: Portal, secret: str) -> None:
    codes = codes_of(new_codes(mo, secret))
    sent = {"codes": f"{codes[0]} 0000-0000-0000-0000 <script>", "csrf_token": mo.token()}
    answer = mo.raw("POST", "/account/recovery-codes/file", data=sent)
    assert answer.text.splitlines()[2:] == codes[:1]
    page = dana.post("/account/recovery-codes/file", sent | {"csrf_token": dana.token()})
    assert messages.CODES_REPLACED in page.notes


def test_recovery_code_signs_in_once(app: Flask, mo: Portal, cast: Cast, secret: str) -> None:
    first, *others = codes_of(new_codes(mo, secret))
    there = Portal(app)
    requested = there.sign_in(cast.mo.email).follow("Use a recovery code")
    page = requested.press("Continue", code=first.upper().replace("-", " "))
    assert page.title == "Your account"
    assert messages.recovery_code_used(9, few=False) in page.notes
    again = Portal(app)
    page = again.sign_in(cast.mo.email).follow("Use a recovery code").press("Continue", 401, code=first)
    assert access_messages.WRONG_CODE in page.notes
    assert page.has_link("Use the authenticator app")
    for code in others[:6]:
        page = Portal(app).sign_in(cast.mo.email).press("Continue", code=code)
    assert messages.recovery_code_used(3, few=True) in page.notes
    assert "3 recovery codes left." in mo.get("/account").text
    events = [event for event in audit(app) if event.action == "recovery-code.used"]
    assert [event.changes["left"] for event in events][:2] == [[10, 9], [9, 8]]


def test_new_codes_need_both_steps_and_replace_the_old_ones(
    app: Flask, mo: Portal, cast: Cast, secret: str
) -> None:
    old = codes_of(new_codes(mo, secret))
    page = mo.get("/account")
    before = dump(app)["recovery_codes"]
    page.press("Generate codes", 422, your_password="not it at all", code=old[0])
    page.press("Generate codes", 422, your_password=PASSWORD, code="")
    assert dump(app)["recovery_codes"] == before
    fresh = codes_of(page.press("Generate codes", your_password=PASSWORD, code=old[0]))
    assert not set(old) & set(fresh)
    requested = Portal(app).sign_in(cast.mo.email)
    requested.press("Continue", 401, code=old[1])
    assert requested.press("Continue", code=fresh[1]).title == "Your account"


def test_code_guesses_in_a_session_have_their_own_limit(mo: Portal, secret: str) -> None:
    codes = codes_of(new_codes(mo, secret))
    for _ in range(10):
        mo.get("/account").press("Turn off", 422, your_password=PASSWORD, code="0000-0000-0000-0000")
    page = mo.get("/account").press("Turn off", 429, your_password=PASSWORD, code=codes[0])
    assert shared_messages.too_many_attempts(1).partition(".")[0] in page.notes
