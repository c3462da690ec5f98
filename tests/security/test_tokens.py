"""A token is ours, for us, in force, and its row says so: or it is refused."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.forge import Forge, encode
from tests.support.rows import unchanged

PATHS = ("/api/calls/providers", "/api/calls/voice-ai/config", "/api/settings/endpoints/resolve")


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
    other = encode(forge.claims | {"sub": cast.dana.id})
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
    unsigned = f"{encode(header)}.{encode(forge.claims)}."
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
    jwk = {"kty": "oct", "k": encode(mine)}
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
        {"exp": 10**400},
        {"exp": -(10**400)},
        {"exp": float("nan")},
        {"exp": [now + 500]},
        {"nbf": now + 3600},
        {"nbf": 10**400},
        {"nbf": "later"},
        {"iat": "before"},
        {"iat": [now]},
        {"jti": 10**400},
        {"jti": "\0"},
        {"jti": "\ud800"},
        {"jti": {}},
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


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "...",
        "a.b.c",
        "é.é.é",
        "." * 5000,
        encode(b"[" * 20_000) + ".e30.",
        encode(b'{"alg":"HS256","x":' + b"[" * 20_000) + ".e30.x",
        encode([]) + ".e30.x",
        encode("HS256") + ".e30.x",
        encode(5) + "." + encode(5) + ".x",
        encode({"alg": ["HS256"]}) + ".e30.x",
        encode({"alg": {"a": 1}}) + ".e30.x",
        encode(b"\xff\xfe") + ".e30.x",
        encode({"alg": "HS256"}) + ".e30.!!!",
        encode({"alg": "HS256"}) + ".é.x",
        "A" * 50_000,
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..x.y.z",
    ],
)
def test_what_is_no_token_at_all(app: Flask, token: str) -> None:
    _expect_refused(app, token)


@pytest.mark.parametrize("claims", [[], "text", 5, None, True])
def test_signed_claims_that_are_no_object(app: Flask, forge: Forge, claims: Any) -> None:
    _expect_refused(app, forge.sign(claims=json.dumps(claims).encode()))


@pytest.mark.parametrize("claims", [b"[" * 20_000, b"\xff", b"", b"{}x"])
def test_signed_claims_that_cannot_be_read(app: Flask, forge: Forge, claims: bytes) -> None:
    _expect_refused(app, forge.sign(claims=claims))
