"""Limits on guessing, with parallel requests: no more guesses are judged than a limit allows."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlencode, urlsplit

import pyotp
import pytest
from flask import Flask

from app.models import User
from app.services.access import password_links, totp, users
from app.web.shell.known_browsers import COOKIE as KNOWN
from devtools.scopes import PASSWORD
from tests.security.conftest import ON_BOTH, Installation
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import COOKIE, Portal
from tests.support.rows import audit

JUDGED = 10
PARALLEL = 30
MISTYPED = "not the password at all"

Send = Callable[..., tuple[int, int]]
"""Sends a POST, and returns the status and the seconds of Retry-After."""


@pytest.fixture
def send(installation: Installation) -> Send:
    host = urlsplit(installation.server.url).netloc

    def send(path: str, body: str, kind: str, **headers: str) -> tuple[int, int]:
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request("POST", path, body, {"Content-Type": kind, **headers})
            answer = connection.getresponse()
            answer.read()
            return answer.status, int(answer.headers.get("Retry-After", 0))
        finally:
            connection.close()

    return send


def _log_in(send: Send, email: str, password: str = MISTYPED, **headers: str) -> tuple[int, int]:
    body = json.dumps({"email": email, "password": password})
    return send("/api/auth/login", body, "application/json", **headers)


def _retried(one: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """Repeats the request while the server is busy (503)."""
    deadline = time.monotonic() + 60
    while (answer := one())[0] == 503 and time.monotonic() < deadline:
        assert answer[1] > 0
    return answer


def _in_parallel(one: Callable[[int], tuple[int, int]], times: int = PARALLEL) -> Counter[int]:
    with ThreadPoolExecutor(times) as pool:
        answers = list(pool.map(lambda number: _retried(lambda: one(number)), range(times)))
    assert all(0 < wait <= 900 for status, wait in answers if status == 429)
    return Counter(status for status, _ in answers)


@ON_BOTH
@pytest.mark.asvs("6.3.1", "2.4.1", "4.1.3")
def test_ten_of_thirty_parallel_passwords_are_judged(send: Send, cast: Cast) -> None:
    """Whatever the spelling and the forged address."""
    local, _, host = cast.mo.email.partition("@")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in local)
    spellings = [cast.mo.email, cast.mo.email.upper(), f"{wide}@{host}", f" {cast.mo.email}\u3000"]

    def one(number: int) -> tuple[int, int]:
        address = f"203.0.113.{number}"
        forged = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
        return _log_in(send, spellings[number % len(spellings)], **forged)

    assert _in_parallel(one) == {401: JUDGED, 429: PARALLEL - JUDGED}
    assert _log_in(send, cast.mo.email, PASSWORD)[0] == 429
    assert _retried(lambda: _log_in(send, cast.dana.email, PASSWORD))[0] == 200


@ON_BOTH
@pytest.mark.asvs("6.3.1", "2.4.1")
def test_ten_of_thirty_parallel_codes_are_judged(app: Flask, send: Send, cast: Cast, secret: str) -> None:
    portal = Portal(app)
    page = portal.sign_in(cast.dana.email)
    submitted = {"csrf_token": page.value("csrf_token"), "next": ""}

    def one(number: int) -> tuple[int, int]:
        guess = f"{number:06}" if number % 2 else f"0000-0000-0000-{number:04}"
        form = urlencode(submitted | {"code": guess})
        cookie = f"{COOKIE}={portal.cookie}"
        return send("/sign-in/code", form, "application/x-www-form-urlencoded", Cookie=cookie)

    assert _in_parallel(one) == {401: JUDGED, 429: PARALLEL - JUDGED}
    page.press("Continue", 429, code=pyotp.TOTP(secret).now())


@pytest.mark.asvs("6.3.1", "7.5.3")
def test_ten_of_thirty_parallel_passwords_in_a_session_are_judged(
    installation: Installation, send: Send, dana: Portal, cast: Cast
) -> None:
    submitted = {"csrf_token": dana.token(), "name": "x", "expires_days": "1", "your_password": MISTYPED}
    cookie = f"{COOKIE}={installation.cookies[cast.dana.id]}"

    def one(_: int) -> tuple[int, int]:
        return send(
            "/account/tokens", urlencode(submitted), "application/x-www-form-urlencoded", Cookie=cookie
        )

    answers = _in_parallel(one)
    assert (answers[422], answers[429]) == (JUDGED, PARALLEL - JUDGED)


@pytest.mark.asvs("6.3.1")
def test_a_known_browser_signs_in_while_the_account_is_limited(
    app: Flask, installation: Installation, send: Send, cast: Cast, secret: str
) -> None:
    known_browser = Portal(app)
    known_browser.sign_in(cast.dana.email, secret=secret)
    known_browser.sign_out()
    _in_parallel(lambda _: _log_in(send, cast.dana.email), times=JUDGED)
    assert _log_in(send, cast.dana.email, PASSWORD)[0] == 429
    Portal(app).get("/sign-in").press("Sign in", 429, email=cast.dana.email, password=PASSWORD)
    code = pyotp.TOTP(secret).at(time.time() + 30)
    assert known_browser.client.get_cookie(KNOWN) is not None
    page = known_browser.get("/sign-in").press("Sign in", email=cast.dana.email, password=PASSWORD)
    assert page.press("Continue", code=code).title == "Organizations"
    fresh = "an owl on the chimney at dusk"
    installation.server.flask("users", "reset", "--email", cast.dana.email, "--password-stdin", typed=fresh)
    assert _retried(lambda: _log_in(send, cast.dana.email, fresh))[0] == 200


@pytest.mark.asvs("7.4.2")
@pytest.mark.parametrize("change", ["reset", "disable", "renew"])
def test_a_half_sign_in_ends_when_the_password_or_the_secret_changes(
    app: Flask, cast: Cast, secret: str, change: str
) -> None:
    portal = Portal(app)
    page = portal.sign_in(cast.dana.email)
    with scope_as(app, cast.gus, cast.acme) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        if change == "reset":
            link = password_links.create(scope, user)
            password_links.use(scope, link.token, "an owl on the chimney at dusk")
        elif change == "disable":
            users.set_disabled(scope, user.id, True)
        else:
            totp.disable(scope, user)
            secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
            totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    assert page.press("Continue", code=pyotp.TOTP(secret).now()).title == "Sign in"
    assert not portal.is_signed_in()


@pytest.mark.asvs("16.3.1")
def test_unknown_emails_are_not_stored_and_audited_once(app: Flask, send: Send, cast: Cast) -> None:
    before = len(audit(app))
    for number in range(12):
        _retried(partial(_log_in, send, f"my secret password {number}"))
    events = audit(app)[before:]
    assert [(event.action, event.actor_id) for event in events] == [("sign-in.refused", None)]
    assert "secret" not in f"{events[0].subject}{events[0].changes}"
