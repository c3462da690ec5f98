"""Limits on guessing, tried with requests at the same time: no more guesses are judged than a limit says."""

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
from app.services.access import totp, users
from app.web.shell.known_browsers import COOKIE as KNOWN
from devtools.scopes import PASSWORD
from tests.security.conftest import Installation
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.pages import COOKIE, Portal
from tests.support.rows import audit

JUDGED = 10
AT_ONCE = 60
MISTYPED = "not the password at all"
both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)

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


def _patiently(one: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """Again while the server is busy, as Retry-After says that one may."""
    deadline = time.monotonic() + 60
    while (answer := one())[0] == 503 and time.monotonic() < deadline:
        assert answer[1] > 0
    return answer


def _at_once(one: Callable[[int], tuple[int, int]], times: int = AT_ONCE) -> Counter[int]:
    with ThreadPoolExecutor(times) as pool:
        answers = list(pool.map(lambda number: _patiently(lambda: one(number)), range(times)))
    assert all(0 < wait <= 900 for status, wait in answers if status == 429)
    return Counter(status for status, _ in answers)


@both
@pytest.mark.asvs("6.3.1", "2.4.1")
def test_of_sixty_passwords_at_once_ten_are_judged(send: Send, cast: Cast) -> None:
    assert _at_once(lambda _: _log_in(send, cast.mo.email)) == {401: JUDGED, 429: AT_ONCE - JUDGED}
    assert _log_in(send, cast.mo.email, PASSWORD)[0] == 429
    assert _patiently(lambda: _log_in(send, cast.dana.email, PASSWORD))[0] == 200


@pytest.mark.asvs("6.3.1", "4.1.3")
def test_no_spelling_and_no_header_goes_around_the_limit(send: Send, cast: Cast) -> None:
    local, _, host = cast.mo.email.partition("@")
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in local)
    spellings = [cast.mo.email, cast.mo.email.upper(), f"{wide}@{host}", f" {cast.mo.email}\u3000"]

    def one(number: int) -> tuple[int, int]:
        address = f"203.0.113.{number}"
        forged = {"X-Forwarded-For": address, "X-Real-IP": address, "Forwarded": f"for={address}"}
        return _log_in(send, spellings[number % len(spellings)], **forged)

    assert _at_once(one)[401] == JUDGED


@pytest.fixture
def secret(app: Flask, cast: Cast) -> str:
    """Of Dana's authenticator; two-step sign-in is on."""
    with scope_as(app, cast.dana) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
        totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    return secret


@both
@pytest.mark.asvs("6.3.1", "2.4.1")
def test_of_many_codes_at_once_ten_are_judged(app: Flask, send: Send, cast: Cast, secret: str) -> None:
    portal = Portal(app)
    page = portal.sign_in(cast.dana.email)
    sent = {"csrf_token": page.value("csrf_token"), "next": ""}

    def one(number: int) -> tuple[int, int]:
        guess = f"{number:06}" if number % 2 else f"0000-0000-0000-{number:04}"
        form = urlencode(sent | {"code": guess})
        cookie = f"{COOKIE}={portal.cookie}"
        return send("/sign-in/code", form, "application/x-www-form-urlencoded", Cookie=cookie)

    assert _at_once(one) == {401: JUDGED, 429: AT_ONCE - JUDGED}
    page.press("Continue", 429, code=pyotp.TOTP(secret).now())


@pytest.mark.asvs("6.3.1", "7.5.3")
def test_of_many_passwords_at_once_in_a_session_ten_are_judged(
    installation: Installation, send: Send, dana: Portal, cast: Cast
) -> None:
    sent = {"csrf_token": dana.token(), "name": "x", "expires_days": "1", "your_password": MISTYPED}
    cookie = f"{COOKIE}={installation.cookies[cast.dana.id]}"

    def one(_: int) -> tuple[int, int]:
        return send("/account/tokens", urlencode(sent), "application/x-www-form-urlencoded", Cookie=cookie)

    answers = _at_once(one)
    assert (answers[422], answers[429]) == (JUDGED, AT_ONCE - JUDGED)


@pytest.mark.asvs("6.3.1")
def test_a_known_browser_and_the_command_line_get_in_while_a_stranger_fills_the_limits(
    app: Flask, installation: Installation, send: Send, cast: Cast, secret: str
) -> None:
    known = Portal(app)
    known.sign_in(cast.dana.email, secret=secret)
    known.sign_out()
    _at_once(lambda _: _log_in(send, cast.dana.email))
    assert _log_in(send, cast.dana.email, PASSWORD)[0] == 429
    Portal(app).get("/sign-in").press("Sign in", 429, email=cast.dana.email, password=PASSWORD)
    code = pyotp.TOTP(secret).at(time.time() + 30)
    assert known.client.get_cookie(KNOWN) is not None
    page = known.get("/sign-in").press("Sign in", email=cast.dana.email, password=PASSWORD)
    assert page.press("Continue", code=code).title == "Organizations"
    fresh = "an owl on the chimney at dusk"
    installation.server.flask("users", "reset", "--email", cast.dana.email, "--password-stdin", typed=fresh)
    assert _patiently(lambda: _log_in(send, cast.dana.email, fresh))[0] == 200


@pytest.mark.asvs("7.4.2")
@pytest.mark.parametrize("change", ["reset", "disable", "renew"])
def test_a_half_sign_in_ends_with_the_password_or_the_secret_it_began_with(
    app: Flask, cast: Cast, secret: str, change: str
) -> None:
    portal = Portal(app)
    page = portal.sign_in(cast.dana.email)
    with scope_as(app, cast.gus, cast.acme) as scope:
        user = scope.session.get_one(User, cast.dana.id)
        if change == "reset":
            users.reset(scope, user, "an owl on the chimney at dusk", keeps_two_step=True)
        elif change == "disable":
            users.set_disabled(scope, user.id, True)
        else:
            totp.switch_off(scope, user)
            secret = totp.begin(scope, user).split("secret=")[1].split("&")[0]
            totp.confirm(scope, user, pyotp.TOTP(secret).at(time.time() - 30))
    assert page.press("Continue", code=pyotp.TOTP(secret).now()).title == "Sign in"
    assert not portal.is_signed_in()


@pytest.mark.asvs("16.3.1")
def test_what_a_stranger_types_is_not_kept_and_does_not_fill_the_audit(
    app: Flask, send: Send, cast: Cast
) -> None:
    before = len(audit(app))
    for number in range(12):
        _patiently(partial(_log_in, send, f"my secret password {number}"))
    events = audit(app)[before:]
    assert [(event.action, event.actor_id) for event in events] == [("sign-in.refused", None)]
    assert "secret" not in f"{events[0].subject}{events[0].changes}"
