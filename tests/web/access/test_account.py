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
from sqlalchemy import select

from app.core import clock
from app.extensions import db
from app.models import ApiToken, User
from app.services import messages as shared_messages
from app.services.access import messages as access_messages
from app.services.access import recovery_codes, sessions, tokens
from app.web.access import messages
from devtools.html import filled
from devtools.scopes import PASSWORD
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.full_organization import scope_as
from tests.support.pages import Page, Portal
from tests.support.rows import audit, count_as, dump, unchanged

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


def test_token_of_a_member_is_created_listed_and_revoked(app: Flask, mo: Portal, cast: Cast) -> None:
    page = mo.get("/account")
    assert not page.root.all("input", name="scope")
    with unchanged(app, but=("throttles", "audit_events")):
        refused = page.press("Create token", 422, name="Mine", your_password="not it at all")
    assert access_messages.WRONG_PASSWORD in refused.text
    page = page.press("Create token", name="Mine", your_password=PASSWORD)
    (jwt,) = set(JWT.findall(page.source))
    caller = Caller(app, jwt)
    (command,) = (code.text for code in page.root.all("code") if code.text.startswith("curl"))
    assert caller.get(urlsplit(shlex.split(command)[-1]).path).json["user"]["email"] == cast.mo.email  # type: ignore[index]
    page = page.follow("Done")
    assert jwt not in page.source

    expired = issue(app, cast.mo, days=-1).token.id
    first, second = _token_rows(mo)
    assert ("never" in first, "Expired" in first, "Expired" in second) == (True, False, True)
    assert not mo.get("/account").root.all("form", action=f"/account/tokens/{expired}/revoke")
    with app.app_context():
        tokens.mark_used(db.engine, {row.id for row in db.session.scalars(select(ApiToken))}, clock.now())
    assert "never" not in _token_rows(mo)[0]
    page.send("Revoke Mine", reason="Not needed")
    assert audit(app)[-1].changes["reason"] == [None, "Not needed"]
    assert caller.get("/api/calls/providers").status_code == 401


def _token_rows(portal: Portal) -> list[str]:
    return [row.text for row in portal.get("/account").root.by_id("tokens").one("tbody").all("tr")]


def test_two_step_sign_in_is_turned_on_used_and_turned_off(app: Flask, mo: Portal, cast: Cast) -> None:
    elsewhere = Portal(app)
    elsewhere.sign_in(cast.mo.email)
    page = mo.get("/account")
    with unchanged(app, but=("throttles", "audit_events")):
        page = page.press("Set up two-step sign-in", 422, your_password="not it at all")
    assert page.root.by_id("totpbegin-your_password-error").text == access_messages.WRONG_PASSWORD
    assert page.root.one(css="pb-summary").text
    assert not URI.search(page.text)

    page = page.press("Set up two-step sign-in", your_password=PASSWORD)
    assert page.root.one(css="pb-qr").all("svg")
    (secret,) = URI.findall(page.text)
    assert elsewhere.is_signed_in()
    with unchanged(app):
        wrong = page.press("Turn on", 422, code="000000")
    assert wrong.error("code")
    page = page.press("Turn on", code=pyotp.TOTP(secret).now())
    assert messages.TWO_STEP_ON in page.notes
    assert secret not in page.source
    codes_file = codes_of(page)
    page = page.follow("I've saved these codes")
    assert page.data("codes-left") == ["10"]
    assert mo.is_signed_in()
    assert not elsewhere.is_signed_in()
    assert elsewhere.sign_in(cast.mo.email).title == "Enter the code"

    ahead = pyotp.TOTP(secret).at(time.time() + 30)
    with unchanged(app, but=("throttles", "audit_events", "sessions")):
        refused = page.press("Turn off", 422, your_password="not it at all", code=ahead)
        assert access_messages.WRONG_PASSWORD in refused.text
        refused = page.press("Turn off", 422, your_password=PASSWORD, code="000000")
        assert access_messages.WRONG_CODE in refused.notes
    elsewhere.get("/sign-in/code").press("Continue", code=ahead)
    page = page.press("Turn off", 422, your_password=PASSWORD, code=ahead)
    page = page.press("Turn off", your_password=PASSWORD, code=codes_file[0])
    assert messages.TWO_STEP_OFF in page.notes
    assert not elsewhere.is_signed_in()
    assert dump(app)["recovery_codes"] == []
    assert Portal(app).sign_in(cast.mo.email).title == "Your account"


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def firefox(app: Flask, cast: Cast) -> Portal:
    """Mo in another browser."""
    portal = Portal(app)
    portal.client.environ_base["HTTP_USER_AGENT"] = FIREFOX
    portal.sign_in(cast.mo.email)
    return portal


def test_sessions_are_listed_and_ended_one_by_one_or_all(
    app: Flask, mo: Portal, dana: Portal, cast: Cast
) -> None:
    other = firefox(app, cast)
    page = mo.get("/account")
    rows = [row.text for row in page.root.by_id("sessions").one("tbody").all("tr")]
    assert [("Firefox on Linux" in row, "This device" in row, "127.0.0.1" in row) for row in rows] == [
        (True, False, True),
        (False, True, True),
    ]
    page = page.press("Sign out: Firefox on Linux, 127.0.0.1")
    assert messages.session_ended("Firefox on Linux") in page.notes
    assert not other.is_signed_in()
    assert not page.has_button("Sign out everywhere else")
    assert [event.action for event in audit(app)][-1] == "session.ended"

    other = firefox(app, cast)
    payload = {"email": cast.mo.email, "password": PASSWORD}
    caller = Caller(app, Caller(app).post("/api/auth/login", payload).get_json()["token"])
    assert caller.get("/api/calls/providers").status_code == 200
    with scope_as(app, cast.mo) as scope, scope.transaction():
        for _ in range(5):
            sessions.start(scope, scope.session.get_one(User, cast.mo.id), user_agent=FIREFOX)
    page = mo.get("/account")
    tables = page.root.by_id("sessions").all("tbody")
    assert [len(table.all("tr")) for table in tables] == [5, 2]
    assert page.root.by_id("sessions").one("details", css="pb-details").one("summary").text == "2 more"
    page = page.press("Sign out everywhere else")
    assert messages.OTHERS_SIGNED_OUT in page.notes
    assert (mo.is_signed_in(), dana.is_signed_in(), other.is_signed_in()) == (True, True, False)
    assert caller.get("/api/calls/providers").status_code == 401


def test_recovery_codes_are_shown_once_downloaded_and_replaced(
    app: Flask, mo: Portal, dana: Portal, cast: Cast, secret: str
) -> None:
    page = new_codes(mo, secret)
    codes = codes_of(page)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"(\w{4}-){3}\w{4}", code) for code in codes)
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert page.root.one("button", css="pb-copy")["data-copy"].splitlines() == codes
    form, _ = page.form_with("Download")
    file = mo.raw("POST", form["action"], data=filled(form, {}))
    assert (file.mimetype, file.headers["Cache-Control"]) == ("text/plain", "no-store")
    assert file.headers["Content-Disposition"] == 'attachment; filename="patchbay-recovery-codes.txt"'
    assert file.text.splitlines()[2:] == codes
    shown, stored = mo.get("/account").source, repr(dump(app))
    assert [
        code for code in codes if code in shown or code in stored or code.replace("-", "") in stored
    ] == []

    submitted = {"codes": f"{codes[0]} 0000-0000-0000-0000 <script>", "csrf_token": mo.token()}
    assert mo.raw("POST", form["action"], data=submitted).text.splitlines()[2:] == codes[:1]
    refused = dana.post(form["action"], submitted | {"csrf_token": dana.token()})
    assert messages.CODES_REPLACED in refused.notes

    page = mo.get("/account")
    before = dump(app)["recovery_codes"]
    page.press("Generate codes", 422, your_password="not it at all", code=codes[0])
    page.press("Generate codes", 422, your_password=PASSWORD, code="")
    assert dump(app)["recovery_codes"] == before
    fresh = codes_of(page.press("Generate codes", your_password=PASSWORD, code=codes[0]))
    assert not set(codes) & set(fresh)
    requested = Portal(app).sign_in(cast.mo.email)
    requested.press("Continue", 401, code=codes[1])
    assert requested.press("Continue", code=fresh[1]).title == "Your account"


def test_recovery_code_signs_in_once_and_guesses_in_a_session_are_few(
    app: Flask, mo: Portal, cast: Cast, secret: str
) -> None:
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
    with scope_as(app, cast.mo) as scope, scope.transaction():
        user = scope.session.get_one(User, cast.mo.id)
        assert [recovery_codes.accept(scope, user, code) for code in others[:5]] == [True] * 5
    page = Portal(app).sign_in(cast.mo.email).press("Continue", code=others[5])
    assert messages.recovery_code_used(3, few=True) in page.notes
    assert mo.get("/account").data("codes-left") == ["3"]
    events = [event for event in audit(app) if event.action == "recovery-code.used"]
    assert [event.changes["left"] for event in events] == [[10, 9], [4, 3]]

    form = mo.get("/account")
    form.press("Turn off", 422, your_password=PASSWORD, code="0000-0000-0000-0000")
    count_as(app, 9)
    form.press("Turn off", 422, your_password=PASSWORD, code="0000-0000-0000-0000")
    page = form.press("Turn off", 429, your_password=PASSWORD, code=others[6])
    assert shared_messages.too_many_attempts(1).partition(".")[0] in page.notes
