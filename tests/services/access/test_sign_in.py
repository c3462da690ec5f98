from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from argon2 import PasswordHasher, extract_parameters

from app.core import clock
from app.core.errors import TooMany, Unauthenticated
from app.models import ApiToken, AuditEvent, Throttle, User, WebSession
from app.services import rate_limits
from app.services.access import passwords, sign_in, sign_in_limits, tokens, totp, users
from app.services.scope import SECRETS, Actor, Scope
from devtools.scopes import PASSWORD
from tests.support.hashing import SHIPPED, hashing_with

MOST = 15
"""Attempts of an account, and of an address, in the tests of their limits."""
RIGHT = {"email": "mo@acme.example", "password": PASSWORD}


@pytest.fixture(autouse=True)
def _quick_matches(monkeypatch):
    """Hashing is tested with passwords; here it only costs time."""
    monkeypatch.setattr(passwords, "matches", lambda _stored, password: password == PASSWORD)


@pytest.fixture
def anonymous(session, cast, keys):
    return Scope(session, None, Actor(name="unauthenticated", ip="192.0.2.9"), keys)


def _actions(scope):
    return [event.action for event in scope.session.query(AuditEvent).order_by(AuditEvent.id)]


def test_for_token_issues_a_token_with_the_scopes_of_the_role(anonymous, cast):
    user, issued = sign_in.for_token(anonymous, RIGHT | {"email": " MO@acme.example "})
    assert user.id == cast.mo.id
    assert user.last_signed_in_at is not None
    actor = tokens.actor(anonymous.session, issued.token.id, ip="", request_id="")
    assert (actor.name, actor.scopes) == ("mo@acme.example", frozenset())
    assert _actions(anonymous) == ["signed-in"]

    _, issued = sign_in.for_token(anonymous, RIGHT | {"email": "dana@acme.example"})
    assert issued.token.scopes == SECRETS

    payload = {"email": cast.dana.email, "password": PASSWORD}
    _, issued = sign_in.for_token(anonymous, payload)
    assert issued.jwt not in repr(issued)
    assert PASSWORD not in repr(sign_in.Credentials(**payload))


def test_for_token_refuses_every_wrong_try_alike(acme, anonymous, cast):
    users.set_disabled(acme, cast.mo.id, True)
    answers = set()
    for payload in (
        RIGHT,
        RIGHT | {"password": "another password altogether"},
        RIGHT | {"email": "unknown@acme.example"},
        {"email": "", "password": ""},
    ):
        with pytest.raises(Unauthenticated) as refused:
            sign_in.for_token(anonymous, payload)
        answers.add((refused.value.code, refused.value.message))
    assert [code for code, _ in answers] == ["WRONG_CREDENTIALS"]
    refused = anonymous.session.query(AuditEvent).filter_by(action="sign-in.refused")
    assert {event.subject for event in refused} == {"mo@acme.example", sign_in.UNKNOWN}
    assert refused.count() == 2


def test_ten_failures_limit_an_account_in_every_spelling_until_a_success(anonymous):
    for _ in range(2):
        _fail(anonymous, 9)
        sign_in.for_token(anonymous, RIGHT)

    _fail(anonymous, 4, email="MO@acme.example")
    _fail(anonymous, 3, email="\uff4d\uff4f@acme.example\u3000")
    _fail(anonymous, 3, email=" mo@acme.example\t")
    for refused in (sign_in.for_token, sign_in.check_password):
        with pytest.raises(TooMany):
            refused(anonymous, RIGHT)
    sign_in.for_token(anonymous, RIGHT | {"email": "gus@globex.example"})


def _fail(scope, times, **overrides):
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            sign_in.check_password(scope, RIGHT | {"password": "wrong"} | overrides)


def test_one_address_or_ipv6_network_is_limited(anonymous, monkeypatch):
    monkeypatch.setattr(sign_in_limits, "OF_ADDRESS", MOST)
    for number in range(MOST):
        _fail(anonymous, 1, email=f"mo{number}@acme.example")
    with pytest.raises(TooMany):
        sign_in.check_password(anonymous, RIGHT)
    elsewhere = replace(anonymous, actor=replace(anonymous.actor, ip="192.0.2.10"))
    sign_in.check_password(elsewhere, RIGHT)

    for number in range(10):
        address = f"2001:db8::{number:x}:1"
        _fail(replace(anonymous, actor=replace(anonymous.actor, ip=address)), 1)
    with pytest.raises(TooMany):
        sign_in.check_password(replace(anonymous, actor=replace(anonymous.actor, ip="2001:db8::ff")), RIGHT)


def test_sign_in_limits_an_account_but_no_known_browser(acme, anonymous, cast, monkeypatch):
    monkeypatch.setattr(sign_in_limits, "OF_ACCOUNT", MOST)
    for number in range(MOST):
        address = f"2001:db8:0:{number // 5}::{number}"
        _fail(replace(anonymous, actor=replace(anonymous.actor, ip=address)), 1)
    elsewhere = replace(anonymous, actor=replace(anonymous.actor, ip="2001:db8:1::1"))
    with pytest.raises(TooMany):
        sign_in.check_password(elsewhere, RIGHT)
    known_browsers = {cast.mo.id: "a browser"}
    assert sign_in.check_password(elsewhere, RIGHT, known_browsers=known_browsers).user.id == cast.mo.id
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            sign_in.check_password(elsewhere, RIGHT | {"password": "wrong"}, known_browsers=known_browsers)
    with pytest.raises(TooMany):
        sign_in.check_password(elsewhere, RIGHT, known_browsers=known_browsers)
    with pytest.raises(TooMany):
        sign_in.check_password(elsewhere, RIGHT, known_browsers={cast.dana.id: "another"})
    users.reset(acme, acme.session.get_one(User, cast.mo.id), "an owl on the chimney at dusk")
    with pytest.raises(Unauthenticated):
        sign_in.check_password(elsewhere, RIGHT | {"password": "wrong"})


def test_refusals_are_counted_and_recorded_once_an_hour(anonymous, cast):
    _fail(anonymous, 4)
    with anonymous.transaction():
        counted = anonymous.session.get_one(Throttle, rate_limits.key("tally:refused", cast.mo.id))
        counted.window_started_at -= rate_limits.RECORDED_EVERY
    _fail(anonymous, 3)
    sign_in.for_token(anonymous, RIGHT)
    events = anonymous.session.query(AuditEvent).order_by(AuditEvent.id).all()
    assert [(event.action, event.changes) for event in events] == [
        ("sign-in.refused", {}),
        ("sign-in.refused", {"times": [None, 4]}),
        ("signed-in", {"by": [None, "API"], "refused_before": [None, 2]}),
    ]


def test_for_token_replaces_an_older_hash(anonymous, cast, monkeypatch):
    former = PasswordHasher(time_cost=3, memory_cost=64, parallelism=4).hash(PASSWORD)
    with anonymous.transaction():
        anonymous.session.get_one(User, cast.mo.id).password_hash = former
    with hashing_with(SHIPPED):
        _fail(anonymous, 1)
        assert anonymous.session.get_one(User, cast.mo.id).password_hash == former
        before = anonymous.session.get_one(User, cast.mo.id).version
        user, _ = sign_in.for_token(anonymous, RIGHT)
        assert extract_parameters(user.password_hash).memory_cost == 19 * 1024
        assert user.version == before


def test_password_reset_or_changed_ends_what_signing_in_gave_alone(acme, anonymous, cast):
    checked = sign_in.check_password(anonymous, RIGHT)
    users.reset(acme, acme.session.get_one(User, cast.mo.id), "an owl on the chimney at dusk")
    with pytest.raises(Unauthenticated):
        sign_in.start_session(anonymous, checked, user_agent="")
    assert anonymous.session.query(WebSession).count() == 0

    payload = {"email": cast.dana.email, "password": PASSWORD}
    _, from_sign_in = sign_in.for_token(anonymous, payload)
    dana = acme.session.get_one(User, cast.dana.id)
    issued = tokens.issue(acme, dana, name="Dialer")
    users.change_password(acme, dana, PASSWORD, "an owl on the chimney at dusk", session_token=None)
    acme.session.expire_all()
    assert from_sign_in.token.revoked_at is not None
    assert issued.token.revoked_at is None


def test_start_session_deletes_expired_rows(acme, anonymous, cast):
    dana = acme.session.get_one(User, cast.dana.id)
    long_ago = clock.now() - timedelta(days=60)
    with acme.transaction():
        acme.session.add_all(
            [
                WebSession(id="x", user_id=dana.id, created_at=long_ago, last_seen_at=long_ago),
                Throttle(key="x", count=1, window_started_at=long_ago),
                ApiToken(id="x", user_id=dana.id, name="x", expires_at=long_ago),
            ]
        )
    sign_in.start_session(anonymous, sign_in.Checked(dana, sign_in.state_of(dana)), user_agent="")
    assert all(acme.session.get(model, "x") is None for model in (WebSession, Throttle, ApiToken))


@pytest.fixture
def recovery(acme, cast):
    """Mo's recovery codes, with two-step sign-in on."""
    mo = acme.session.get_one(User, cast.mo.id)
    secret = parse_qs(urlsplit(totp.begin(acme, mo)).query)["secret"][0]
    return totp.confirm(acme, mo, pyotp.TOTP(secret).now())


def test_recovery_code_replaces_the_app_code_once_and_shares_its_limit(anonymous, cast, recovery):
    payload = RIGHT | {"totp": recovery[0]}
    sign_in.for_token(anonymous, payload)
    used, signed_in = anonymous.session.query(AuditEvent).order_by(AuditEvent.id).all()[-2:]
    assert (used.action, used.actor_id) == ("recovery-code.used", cast.mo.id)
    assert (signed_in.action, signed_in.actor_id) == ("signed-in", cast.mo.id)
    with pytest.raises(Unauthenticated) as refused:
        sign_in.for_token(anonymous, payload)
    assert refused.value.code == sign_in.CODE_NEEDED
    assert _actions(anonymous)[-1] == "sign-in.refused"

    for _ in range(9):
        with pytest.raises(Unauthenticated):
            sign_in.for_token(anonymous, RIGHT | {"totp": "0000-0000-0000-0000"})
    with pytest.raises(TooMany):
        sign_in.for_token(anonymous, RIGHT | {"totp": recovery[1]})
