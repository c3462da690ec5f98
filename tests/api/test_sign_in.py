"""Email and password for a token; ten misses, and that account waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from app.services.access import passwords
from devtools.scopes import PASSWORD
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.rows import audit, unchanged

PATH = "/api/auth/login"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Misses without argon2's slowness; whether a password is right is not decided here."""
    monkeypatch.setattr(passwords, "matches", lambda hashed, password: bool(hashed) and password == PASSWORD)


def test_login_returns_a_working_token_or_names_the_wrong_field(
    app: Flask, anonymous: Caller, cast: Cast
) -> None:
    with unchanged(app):
        refusals = [(body, fields(anonymous.post(PATH, body))) for body, _ in WRONG]
    assert refusals == [(body, {field}) for body, field in WRONG]

    for person, status in ((cast.dana, 200), (cast.mo, 403)):
        answer = anonymous.post(PATH, {"email": f" {person.email.upper()} ", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert answer.json["token_type"] == "Bearer"
        assert answer.json["expires_at"].endswith("Z")
        caller = Caller(app, answer.json["token"])
        assert caller.get("/api/settings/telephony").status_code == status
        event = audit(app)[-1]
        assert (event.action, event.actor_id) == ("signed-in", person.id)


def test_login_limits_failures_of_any_account_until_a_success(
    anonymous: Caller, cast: Cast, quick: None
) -> None:
    def misses(email: str, count: int) -> list[int]:
        payload = {"email": email, "password": "wrong"}
        return [anonymous.post(PATH, payload).status_code for _ in range(count)]

    assert misses("unknown@acme.example", 11) == [401] * 10 + [429]
    for _ in range(2):
        assert misses(cast.mo.email, 9) == [401] * 9
        right = {"email": cast.mo.email, "password": PASSWORD}
        assert anonymous.post(PATH, right).status_code == 200


def test_concurrent_logins_are_all_counted_and_succeed_or_retry(
    app: Flask, anonymous: Caller, cast: Cast, quick: None
) -> None:
    def sign_in(email: str, password: str = PASSWORD) -> int:
        for _ in range(100):
            answer = anonymous.post(PATH, {"email": email, "password": password})
            if answer.status_code != 503 or password != PASSWORD:
                break
            assert answer.headers["Retry-After"] == "1"
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        missed = list(pool.map(sign_in, [cast.mo.email] * 24, ["wrong"] * 24))
    assert set(missed) <= {401, 429, 503}
    assert missed.count(401) <= 10
    sign_in(cast.dana.email, "wrong")
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(sign_in, [cast.dana.email] * 8)) <= {200, 503}
    assert sign_in(cast.dana.email) == 200


WRONG: list[tuple[dict[str, object], str]] = [
    ({"password": "x"}, "email"),
    ({"email": "mo@acme.example"}, "password"),
    ({"email": None, "password": "x"}, "email"),
    ({"email": "mo@acme.example", "password": 5}, "password"),
    ({"email": ["mo@acme.example"], "password": "x"}, "email"),
    ({"email": "mo@acme.example", "password": "x", "totp": 123456}, "totp"),
    ({"email": "mo@acme.example", "password": "x", "role": "superadmin"}, "role"),
    ({"email": "mo@acme.example", "password": "x", "scope": "secrets"}, "scope"),
]
