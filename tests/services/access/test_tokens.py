from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import update

from app.core import clock
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from app.models import ApiToken, User
from app.services.access import step_up, tokens, users
from app.services.audit import search
from app.services.scope import SECRETS, Actor, Keys
from tests.support.scopes import statements

HOUR = timedelta(hours=1)


@pytest.fixture
def issued(acme, cast):
    return tokens.issue(acme, cast.dana, name="Dialer", scopes=(SECRETS,), days=30)


def _claims(issued):
    body = issued.jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def _signed(claims, key, header=None):
    return jwt.encode({"alg": "HS256"} | (header or {}), claims, OctKey.import_key(key))


def _raw(header, claims, signature=""):
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    ]
    return ".".join([*parts, signature])


def test_issue_audits_known_claims_and_actor_has_their_owner_and_scopes(acme, cast, issued):
    claims = _claims(issued)
    assert set(claims) == {"iss", "aud", "sub", "jti", "iat", "exp", "scope"}
    assert claims["exp"] - claims["iat"] == 30 * 24 * 3600
    assert clock.seconds(issued.token.expires_at) == claims["exp"]

    event = search.recent(acme)[0]
    assert (event.action, event.subject) == ("token.issued", "dana@acme.example")
    assert event.changes["scopes"] == [None, "secrets"]
    assert issued.jwt not in str(event.changes)

    token_id = tokens.verify(acme.keys, issued.jwt).token_id
    assert token_id == issued.token.id
    actor = tokens.actor(acme.session, token_id, ip="192.0.2.7", request_id="r")
    assert actor.user_id == cast.dana.id
    assert actor.organization_id == cast.acme.id
    assert (actor.name, actor.ip, actor.request_id) == ("dana@acme.example", "192.0.2.7", "r")
    assert actor.is_superadmin
    assert actor.may_read_secrets

    token = tokens.issue(acme, cast.dana, name="Dialer").token
    actor = tokens.actor(acme.session, token.id, ip="", request_id="")
    assert actor.is_superadmin
    assert not actor.may_read_secrets


def test_issue_refuses_bad_values_others_and_what_has_changed_meanwhile(acme, cast, globex, engine):
    """Role and state may have changed since the user was loaded."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\u200bb"}, "name"),
        ({"name": "a\u3164b"}, "name"),  # a letter that is drawn as nothing
        ({"days": 0}, "expires_days"),
        ({"days": 3651}, "expires_days"),
        ({"scopes": ("everything",)}, "scope"),
    ]
    for more, field in cases:
        with pytest.raises(Invalid) as refused:
            tokens.issue(acme, cast.dana, **({"name": "Dialer"} | more))
        assert [problem.field for problem in refused.value.problems] == [field]

    with pytest.raises(Invalid):
        tokens.issue(acme, cast.mo, name="Dialer", scopes=(SECRETS,))
    for days in (1, 3650):
        assert tokens.issue(acme, cast.dana, name="Dialer", days=days).token.name == "Dialer"

    old = replace(acme, actor=replace(acme.actor, password_typed_at=clock.now() - step_up.RECENT))
    with pytest.raises(step_up.PasswordNeeded):
        tokens.issue(old, cast.mo, name="Dialer")
    with pytest.raises(Forbidden):
        tokens.issue(globex, cast.dana, name="Mine now", scopes=(SECRETS,))
    with pytest.raises(Forbidden):
        tokens.issue(globex, cast.dana, name="Mine now")
    console = replace(acme, actor=Actor(name="command line"))
    for scope, user in ((globex, cast.mo), (acme, cast.dana), (console, cast.dana)):
        assert tokens.issue(scope, user, name="Dialer").token.user_id == user.id

    before = tokens.of_user(acme, cast.mo)
    acme.session.rollback()
    assert (cast.mo.disabled_at, cast.dana.role) == (None, "superadmin")
    with engine.connect().execution_options(writes=True) as other, other.begin():
        other.execute(update(User).where(User.id == cast.mo.id).values(disabled_at=clock.now()))
        other.execute(update(User).where(User.id == cast.dana.id).values(role="member"))
    with pytest.raises(Invalid):
        tokens.issue(acme, cast.dana, name="Dialer", scopes=(SECRETS,))
    with pytest.raises(Conflict) as disabled:
        tokens.issue(acme, cast.mo, name="Dialer")
    assert disabled.value.code == "USER_DISABLED"
    assert tokens.of_user(acme, cast.mo) == before


def _refused(keys, text):
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(keys, text)
    assert refused.value.code == "INVALID_TOKEN"
    return True


def test_verify_refuses_what_its_own_keys_and_algorithm_did_not_sign(acme, issued):
    head, body, signature = issued.jwt.split(".")
    forged = base64.urlsafe_b64encode(json.dumps(_claims(issued) | {"jti": "another"}).encode()).decode()
    assert _refused(acme.keys, f"{head}.{forged.rstrip('=')}.{signature}")
    for position in range(0, len(signature) - 1):
        flipped = "A" if signature[position] != "A" else "B"
        changed = signature[:position] + flipped + signature[position + 1 :]
        assert _refused(acme.keys, f"{head}.{body}.{changed}")

    assert _refused(Keys(acme.keys.sealer, ("another-key-of-another-party-entirely",)), issued.jwt)

    claims, key = _claims(issued), acme.keys.jwt[0]
    assert _refused(acme.keys, _raw({"alg": "none"}, claims))
    assert _refused(acme.keys, _raw({"alg": "None"}, claims, issued.jwt.split(".")[2]))
    for algorithm in ("HS384", "HS512"):
        text = jwt.encode({"alg": algorithm}, claims, OctKey.import_key(key), algorithms=[algorithm])
        assert _refused(acme.keys, text)
    rsa = RSAKey.generate_key(2048)
    text = jwt.encode({"alg": "RS256"}, claims, rsa, algorithms=["RS256"])
    assert _refused(acme.keys, text)
    public = Keys(acme.keys.sealer, (rsa.as_pem(private=False).decode(),))
    assert _refused(public, text)

    evil = "e" * 20 + "vil-key-of-another-party"
    claims = _claims(issued)
    jwk = OctKey.import_key(evil).as_dict(private=True)
    for header in ({"jwk": jwk}, {"jku": "https://evil.example/keys"}, {"kid": "../../dev/null"}):
        assert _refused(acme.keys, _raw({"alg": "HS256"} | header, claims, "AAAA"))
        try:
            text = _signed(claims, evil, header)
        except Exception:  # noqa: BLE001, S112 (the library does not even write it)
            continue
        assert _refused(acme.keys, text)

    for kid in ("unknown", "../../dev/null", "' OR 1=1 --"):
        text = _signed(_claims(issued), acme.keys.jwt[0], {"kid": kid})
        assert tokens.verify(acme.keys, text).token_id == issued.token.id


def test_verify_refuses_expired_tokens_and_those_of_a_key_that_was_removed(acme, cast, issued):
    def life(seconds):
        with acme.transaction():
            return tokens.create(acme, cast.mo, name="x", scopes=(), life=timedelta(seconds=seconds)).jwt

    assert _refused(acme.keys, life(-tokens.LEEWAY_SECONDS - 2))
    assert tokens.verify(acme.keys, life(-1))

    newer = "a-newer-key-that-is-long-enough-for-it"
    rotated = replace(acme, keys=Keys(acme.keys.sealer, (newer, *acme.keys.jwt)))
    fresh = tokens.issue(rotated, cast.dana, name="Dialer")
    assert tokens.verify(rotated.keys, issued.jwt).token_id == issued.token.id
    assert tokens.verify(rotated.keys, fresh.jwt).token_id == fresh.token.id
    alone = Keys(acme.keys.sealer, (newer,))
    assert tokens.verify(alone, fresh.jwt).token_id == fresh.token.id
    assert _refused(alone, issued.jwt)


WRONG_CLAIMS = [
    {"iss": "another"},
    {"aud": "another"},
    {"aud": ["another"]},
    {"aud": []},
    {"iss": None},
    {"exp": "tomorrow"},
    {"exp": None},
    {"exp": 0},
    {"nbf": 99_999_999_999},
    {"iat": "now"},
]


def test_verify_refuses_malformed_tokens_and_wrong_claims(acme, issued, subtests):
    claims = _claims(issued)
    missing = [claims.keys() - {name} for name in ("iss", "aud", "exp", "jti", "sub")]
    cases = [{name: claims[name] for name in names} for names in missing]
    cases += [claims | changed for changed in WRONG_CLAIMS]
    for case in cases:
        assert _refused(acme.keys, _signed(case, acme.keys.jwt[0])), case

    for name, text in JUNK.items():
        with subtests.test(name):
            assert _refused(acme.keys, text)

    key = OctKey.import_key(acme.keys.jwt[0])
    for claims in ("[]", '"x"', "7", "null", "{", "[" * 100_000):
        assert _refused(acme.keys, jws.serialize_compact({"alg": "HS256"}, claims, key)), claims[:9]


DEEP = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
JUNK = {
    "nothing": "",
    "dots": "..",
    "a word": "junk",
    "two parts": "a.b",
    "four parts": "a.b.c.d",
    "not base64": "é.é.é",
    "not JSON": "e30.e30.e30",
    "deep header": f"{DEEP}.e30.AAAA",
    "deep claims": f"eyJhbGciOiJIUzI1NiJ9.{DEEP}.AAAA",
    "list header": "W10.e30.AAAA",
    "long": "a" * 1_000_000,
    "NUL": "\0.\0.\0",
    "surrogate": "\ud800",
}


def test_revoke_a_disabled_user_and_another_role_end_tokens(acme, cast, issued, globex):
    """Who issued a token may still have it, and would act for a superadmin."""
    for user, token_id in ((cast.mo, issued.token.id), (cast.mo, "no-such-token")):
        with pytest.raises(NotFound):
            tokens.revoke(acme, user, token_id)
    assert acme.session.get_one(ApiToken, issued.token.id).revoked_at is None
    tokens.revoke(acme, cast.dana, issued.token.id)
    with pytest.raises(Unauthenticated):
        tokens.actor(acme.session, issued.token.id, ip="", request_id="")
    assert search.recent(acme)[0].action == "token.revoked"
    tokens.revoke(acme, cast.dana, issued.token.id)
    assert len(search.recent(acme)) == 2
    assert tokens.of_user(acme, cast.dana) == []

    token = tokens.issue(acme, cast.mo, name="Dialer").token
    users.set_disabled(acme, cast.mo.id, True)
    with pytest.raises(Unauthenticated):
        tokens.actor(acme.session, token.id, ip="", request_id="")

    users.set_disabled(acme, cast.mo.id, False)
    token = tokens.issue(acme, cast.mo, name="Dialer").token
    with acme.transaction():
        cast.mo.disabled_at = clock.now()
    with pytest.raises(Unauthenticated):
        tokens.actor(acme.session, token.id, ip="", request_id="")
    users.set_disabled(acme, cast.mo.id, False)

    for name, role in [("mo", "superadmin"), ("gus", "member")]:
        home = acme if name == "mo" else globex
        user = getattr(cast, name)
        token = tokens.issue(home, user, name="Dialer").token
        cast.dana.organization_id = user.organization_id
        users.update_user(home, user.id, {"role": role})
        with pytest.raises(Unauthenticated):
            tokens.actor(acme.session, token.id, ip="", request_id="")


def test_of_user_lists_working_tokens_then_expired_ones(acme, cast, issued):
    with acme.transaction():
        tokens.create(acme, cast.dana, name="Expired", scopes=(), life=-HOUR)
        later = tokens.create(acme, cast.dana, name="Later", scopes=(), life=HOUR).token
        later.created_at = clock.now() + HOUR
        tokens.create(acme, cast.dana, name="Over", scopes=(), life=-HOUR, is_sign_in=True)
    tokens.issue(acme, cast.mo, name="Of Mo")
    assert [token.name for token in tokens.of_user(acme, cast.dana)] == ["Later", "Dialer", "Expired"]


def test_mark_used_writes_every_five_minutes_at_most(engine, acme, cast, issued):
    def used():
        acme.session.rollback()
        acme.session.expire_all()
        return acme.session.get_one(ApiToken, issued.token.id).last_used_at

    start = clock.now()
    tokens.mark_used(engine, {issued.token.id}, start)
    with statements(engine) as sql_statements:
        tokens.mark_used(engine, {issued.token.id}, start + tokens.USED_EVERY)
    assert [text.split()[0] for text in sql_statements] == ["SELECT"]
    assert used() == start
    later = start + tokens.USED_EVERY + timedelta(seconds=1)
    tokens.mark_used(engine, {issued.token.id, "no-such-token"}, later)
    assert used() == later
