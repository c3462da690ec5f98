"""A token is ours, for us, in force, and its row says so: or it is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from app import background, context
from app.core import clock
from app.extensions import db
from app.models import ApiToken, User
from app.services import tokens
from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.rows import unchanged

PATHS = ("/api/calls/providers", "/api/calls/voice-ai/config", "/api/settings/endpoints/resolve")


def _encode(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Forge:
    """Takes a token that works apart, and puts others together, signed with the real key or not."""

    def __init__(self, app: Flask, token: str) -> None:
        self.key = app.extensions["patchbay"].jwt[0].encode()
        self.header, self.claims = map(_decode, token.split(".")[:2])

    def sign(
        self,
        header: Any = None,
        claims: Any = None,
        *,
        key: bytes | None = None,
        digest: str = "sha256",
    ) -> str:
        head = _encode(self.header if header is None else header)
        text = f"{head}.{_encode(self.claims if claims is None else claims)}"
        signature = hmac.new(self.key if key is None else key, text.encode(), digest).digest()
        return f"{text}.{_encode(signature)}"

    def with_claims(self, **changed: Any) -> str:
        """A change to None leaves the claim out."""
        claims = {k: v for k, v in (self.claims | changed).items() if v is not None}
        return self.sign(claims=claims)

    def with_header(self, **changed: Any) -> str:
        return self.sign(header=self.header | changed)


@pytest.fixture
def forge(app: Flask, cast: Cast) -> Forge:
    return Forge(app, issue(app, cast.mo).jwt)


def _expect_refused(app: Flask, token: str) -> None:
    caller = Caller(app, token)
    with unchanged(app):
        for path in PATHS:
            answer = caller.get(path)
            assert answer.status_code == 401, f"{path}: {answer.text}"
            assert answer.json["code"] in ("INVALID_TOKEN", "NO_TOKEN")  # type: ignore[index]
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_forge_works(app: Flask, forge: Forge) -> None:
    for token in (forge.sign(), forge.with_header(kid="another"), forge.with_claims(extra=1)):
        assert Caller(app, token).get(PATHS[0]).status_code == 200


@pytest.mark.asvs("9.1.1")
def test_tampered(app: Flask, forge: Forge, cast: Cast) -> None:
    head, claims, signature = forge.sign().split(".")
    other = _encode(forge.claims | {"sub": cast.dana.id})
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    for token in (
        f"{head}.{other}.{signature}",
        f"{head}.{claims}.{flipped}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}..{signature}",
        f".{claims}.{signature}",
        f"{head}.{claims}.{signature}.{signature}",
        f"{head}.{claims}.{signature[:-4]}",
    ):
        _expect_refused(app, token)


@pytest.mark.asvs("9.1.1")
def test_signed_with_another_key(app: Flask, forge: Forge) -> None:
    _expect_refused(app, forge.sign(key=b"0123456789abcdef0123456789abcdef"))
    _expect_refused(app, forge.sign(key=b""))


@pytest.mark.asvs("9.1.2")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None])
def test_no_algorithm(app: Flask, forge: Forge, algorithm: str | None) -> None:
    header = forge.header | {"alg": algorithm}
    unsigned = f"{_encode(header)}.{_encode(forge.claims)}."
    for token in (unsigned, unsigned + "x", forge.sign(header=header)):
        _expect_refused(app, token)


@pytest.mark.asvs("9.1.2")
@pytest.mark.parametrize(
    ("algorithm", "digest"), [("HS512", "sha512"), ("HS384", "sha384"), ("hs256", "sha256")]
)
def test_another_algorithm_with_the_right_key(app: Flask, forge: Forge, algorithm: str, digest: str) -> None:
    _expect_refused(app, forge.sign(header=forge.header | {"alg": algorithm}, digest=digest))


@pytest.mark.asvs("9.1.2")
def test_rsa_confusion(app: Flask, forge: Forge) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
        _expect_refused(app, forge.sign(header=forge.header | {"alg": algorithm}))
        _expect_refused(app, forge.sign(header=forge.header | {"alg": algorithm}, key=public))
    _expect_refused(app, forge.sign(key=public))


@pytest.mark.asvs("9.1.3")
def test_an_injected_key_is_not_used(app: Flask, forge: Forge) -> None:
    mine = b"a key that the attacker has made up"
    jwk = {"kty": "oct", "k": _encode(mine)}
    for header in (
        {"jwk": jwk},
        {"jku": "https://evil.example/keys.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"kid": hashlib.sha256(mine).hexdigest()},
        {"kid": None},
        {"kid": ["x"]},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
    ):
        _expect_refused(app, forge.sign(header=forge.header | header, key=mine))


@pytest.mark.asvs("9.2.1")
def test_times(app: Flask, forge: Forge) -> None:
    now = int(time.time())
    wrong: list[dict[str, Any]] = [
        {"exp": now - 120},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": str(now + 500)},
        {"exp": {}},
        {"exp": 0},
        {"nbf": now + 3600},
        {"nbf": "later"},
        {"iat": now + 3600},
        {"iat": "before"},
    ]
    for claims in wrong:
        _expect_refused(app, forge.with_claims(**claims))


@pytest.mark.asvs("9.2.3")
def test_for_whom_and_by_whom(app: Flask, forge: Forge) -> None:
    wrong: list[dict[str, Any]] = [
        {"aud": None},
        {"aud": "another-api"},
        {"aud": ""},
        {"aud": []},
        {"aud": ["another-api"]},
        {"aud": {"patchbay-api": 1}},
        {"iss": None},
        {"iss": "another"},
        {"iss": ["patchbay"]},
        {"jti": None},
        {"jti": ""},
        {"jti": "unknown"},
        {"jti": {}},
        {"jti": 5},
        {"sub": None},
    ]
    for claims in wrong:
        _expect_refused(app, forge.with_claims(**claims))


def test_the_subject_must_be_the_one_of_the_row(app: Flask, forge: Forge, cast: Cast) -> None:
    """Whoever has the signing key could; the row decides whose token it is."""
    answer = Caller(app, forge.with_claims(sub=cast.dana.id)).get("/api/settings/telephony")
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "...",
        "a.b.c",
        "é.é.é",
        "." * 5000,
        _encode(b"[" * 90_000) + ".e30.",
        _encode(b'{"alg":"HS256","x":' + b"[" * 90_000) + ".e30.x",
        _encode([]) + ".e30.x",
        _encode("HS256") + ".e30.x",
        _encode(5) + "." + _encode(5) + ".x",
        _encode({"alg": ["HS256"]}) + ".e30.x",
        _encode({"alg": {"a": 1}}) + ".e30.x",
        _encode(b"\xff\xfe") + ".e30.x",
        _encode({"alg": "HS256"}) + ".e30.!!!",
        _encode({"alg": "HS256"}) + ".é.x",
        "A" * 50_000,
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..x.y.z",
    ],
)
def test_what_is_no_token_at_all(app: Flask, token: str) -> None:
    _expect_refused(app, token)


@pytest.mark.parametrize("claims", [[], "text", 5, None, True])
def test_signed_claims_that_are_no_object(app: Flask, forge: Forge, claims: Any) -> None:
    _expect_refused(app, forge.sign(claims=json.dumps(claims).encode()))


@pytest.mark.parametrize("claims", [b"[" * 90_000, b"\xff", b"", b"{}x"])
def test_signed_claims_that_cannot_be_read(app: Flask, forge: Forge, claims: bytes) -> None:
    _expect_refused(app, forge.sign(claims=claims))


@pytest.mark.asvs("7.4.2")
def test_revoked(app: Flask, cast: Cast) -> None:
    issued = issue(app, cast.mo)
    assert Caller(app, issued.jwt).get(PATHS[0]).status_code == 200
    with app.app_context():
        db.session.get_one(ApiToken, issued.token.id).revoked_at = clock.now()
        db.session.commit()
    _expect_refused(app, issued.jwt)


@pytest.mark.asvs("7.4.2")
def test_a_disabled_user(app: Flask, cast: Cast) -> None:
    token = issue(app, cast.mo).jwt
    with app.app_context():
        db.session.get_one(User, cast.mo.id).disabled_at = clock.now()
        db.session.commit()
    _expect_refused(app, token)


def test_a_deleted_row(app: Flask, cast: Cast) -> None:
    issued = issue(app, cast.mo)
    with app.app_context():
        db.session.delete(db.session.get_one(ApiToken, issued.token.id))
        db.session.commit()
    _expect_refused(app, issued.jwt)


def test_a_role_that_was_lost_is_lost_at_once(app: Flask, cast: Cast) -> None:
    dana = Caller(app, issue(app, cast.dana, secrets=True).jwt)
    assert dana.get("/api/settings/telephony").status_code == 200
    with app.app_context():
        db.session.get_one(User, cast.dana.id).role = "member"
        db.session.commit()
    assert dana.get("/api/settings/telephony").status_code == 403
    assert dana.get("/api/calls/providers/config").status_code == 401


def test_an_older_key_still_opens(app: Flask, forge: Forge) -> None:
    keys = app.extensions["patchbay"]
    newer = "a-newer-signing-key-that-is-long-enough-0123456789"
    app.extensions["patchbay"] = type(keys)(keys.sealer, (newer, *keys.jwt))
    with app.app_context():
        assert context.keys().jwt[0] == newer
    assert Caller(app, forge.sign()).get(PATHS[0]).status_code == 200
    app.extensions["patchbay"] = type(keys)(keys.sealer, (newer,))
    _expect_refused(app, forge.sign())


@pytest.fixture
def uses(app: Flask, monkeypatch: pytest.MonkeyPatch) -> background.Uses:
    """As a served application has them."""
    uses = background.Uses(app)
    monkeypatch.setitem(app.extensions, "patchbay_token_used", uses.note)
    return uses


@pytest.mark.parametrize("path", ["/api/calls/providers", "/api/calls/voice-ai/config"])
def test_the_last_use_is_written_by_somebody_who_does_not_wait(
    app: Flask, cast: Cast, uses: background.Uses, path: str
) -> None:
    issued = issue(app, cast.mo)
    with app.app_context():
        engine = db.engine
    asked: list[str] = []
    written: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        thread = threading.current_thread().name
        if thread == "token uses" and not statement.startswith("BEGIN"):
            asked.append(statement.split(maxsplit=1)[0])
        if statement.startswith("UPDATE api_tokens"):
            written.append(thread)

    event.listen(engine, "before_cursor_execute", note)
    for _ in range(5):
        assert Caller(app, issued.jwt).get(path).status_code == 200
    assert uses.idle.wait(20)
    assert asked == ["SELECT", "UPDATE"]
    assert written == ["token uses"]
    with app.app_context():
        assert db.session.get_one(ApiToken, issued.token.id).last_used_at is not None


def test_a_use_that_cannot_be_written_keeps_nobody_from_an_answer(
    app: Flask, cast: Cast, uses: background.Uses, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("", {}, Exception("database is locked"))

    monkeypatch.setattr(tokens, "mark_used", fail)
    first, second = issue(app, cast.mo), issue(app, cast.mo)
    for issued in (first, second):
        assert Caller(app, issued.jwt).get("/api/calls/providers").status_code == 200
        assert uses.idle.wait(20)
    with app.app_context():
        assert db.session.get_one(ApiToken, first.token.id).last_used_at is None


def test_a_refused_token_was_not_used(app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    monkeypatch.setitem(app.extensions, "patchbay_token_used", noted.append)
    issued = issue(app, cast.mo)
    with app.app_context():
        db.session.get_one(ApiToken, issued.token.id).revoked_at = clock.now()
        db.session.commit()
    for path in PATHS:
        assert Caller(app, issued.jwt).get(path).status_code == 401
    assert noted == []
