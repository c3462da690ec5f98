from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from app.core.errors import Conflict, Invalid
from app.services.access import totp
from app.services.audit import search


class Clock:
    """Stands still until it is moved."""

    def __init__(self, monkeypatch):
        self.now = time.time()
        monkeypatch.setattr(time, "time", lambda: self.now)

    def step(self, steps=1):
        self.now += steps * totp.STEP_SECONDS


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture
def app_of_mo(acme, cast, clock):
    """Mo's authenticator, enrolled."""
    uri = totp.begin(acme, cast.mo)
    app = pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])
    totp.confirm(acme, cast.mo, app.at(int(clock.now)))
    clock.step(10)
    return app


def _accept(scope, user, code):
    with scope.transaction():
        return totp.accept(scope, user, code)


def test_confirm_turns_it_on_with_a_used_code_and_again_with_a_new_secret(acme, cast, clock):
    uri = totp.begin(acme, cast.mo)
    assert uri.startswith("otpauth://totp/Patchbay:mo%40acme.example?secret=")
    assert not totp.is_on(cast.mo)
    assert totp.pending_uri(acme, cast.mo) == uri
    with pytest.raises(Invalid):
        totp.confirm(acme, cast.mo, "000000x")
    assert not totp.is_on(cast.mo)

    app = pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])
    code = app.at(int(clock.now))
    totp.confirm(acme, cast.mo, code)
    assert totp.is_on(cast.mo)
    assert totp.pending_uri(acme, cast.mo) is None
    assert search.recent(acme)[0].action == "totp.on"
    assert app.secret not in cast.mo.totp_sealed
    with pytest.raises(Conflict):
        totp.begin(acme, cast.mo)
    assert not _accept(acme, cast.mo, code)

    clock.step(10)
    assert _accept(acme, cast.mo, app.at(int(clock.now)))
    totp.disable(acme, cast.mo)
    assert not totp.is_on(cast.mo)
    assert not _accept(acme, cast.mo, app.at(int(clock.now) + 30))
    again = pyotp.TOTP(parse_qs(urlsplit(totp.begin(acme, cast.mo)).query)["secret"][0])
    assert again.secret != app.secret
    totp.confirm(acme, cast.mo, again.at(int(clock.now)))
    assert totp.is_on(cast.mo)


def test_accept_takes_a_code_of_its_user_once_within_one_step(acme, cast, clock, app_of_mo):
    code = app_of_mo.at(int(clock.now))
    with acme.transaction():
        cast.dana.totp_sealed, cast.dana.totp_confirmed_at = (
            cast.mo.totp_sealed,
            cast.mo.totp_confirmed_at,
        )
    assert not _accept(acme, cast.dana, code), "the secret is Mo's"
    malformed = ("", " ", "12345", "abcdef", "é", "\0", "1" * 10_000)
    assert [code[:9] for code in malformed if _accept(acme, cast.mo, code)] == []
    assert _accept(acme, cast.mo, f" {code[:3]} {code[3:]} ")
    assert not _accept(acme, cast.mo, code)
    clock.step()
    assert not _accept(acme, cast.mo, code)
    assert _accept(acme, cast.mo, app_of_mo.at(int(clock.now)))

    clock.step(10)

    def accepts(steps):
        return _accept(acme, cast.mo, app_of_mo.at(int(clock.now) + steps * totp.STEP_SECONDS))

    assert [steps for steps in (-3, -2, 2, 3) if accepts(steps)] == []
    assert [steps for steps in (-1, 0, 1) if not accepts(steps)] == []


def test_accept_after_a_clock_change_takes_new_codes(acme, cast, clock, app_of_mo, subtests):
    for steps in (-1, -2, -20, -2880, 20):
        with subtests.test(steps=steps):
            clock.step(5000)
            used = app_of_mo.at(int(clock.now))
            assert _accept(acme, cast.mo, used)
            clock.step(steps)
            assert _accept(acme, cast.mo, app_of_mo.at(int(clock.now)))
            assert not _accept(acme, cast.mo, used)
            clock.step(-steps)
            assert not _accept(acme, cast.mo, used)


@pytest.mark.both_databases
def test_accept_of_one_code_concurrently_succeeds_once(scopes, acme, cast, clock, app_of_mo):
    code = app_of_mo.at(int(clock.now))

    def accept(scope):
        anonymous = scope.for_organization(None)
        user = scope.session.get_one(type(cast.mo), cast.mo.id)
        return _accept(anonymous, user, code)

    answers = scopes.in_parallel(*[("dana", accept)] * 6)
    assert sorted(answers) == [False] * 5 + [True]
