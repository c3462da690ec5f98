"""Tokens: one that is not signed by us, for us, in force and stored is refused."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask

from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.forge import Forge, encode
from tests.support.rows import unchanged

CODES = ("INVALID_TOKEN", "NO_TOKEN")
PATHS = ("/api/calls/providers", "/api/calls/voice-ai/config", "/api/settings/endpoints/resolve")


@pytest.fixture
def forge(app: Flask, cast: Cast) -> Forge:
    return Forge(app, issue(app, cast.mo).jwt)


def _accepted(app: Flask, tokens: Iterable[str], *, thorough: bool) -> list[str]:
    """Sends each token to one of `PATHS` in turn, thorough to each; returns those not refused with a 401."""
    accepted = []
    with unchanged(app):
        for place, token in enumerate(tokens):
            for path in PATHS if thorough else [PATHS[place % len(PATHS)]]:
                answer = Caller(app, token).get(path)
                is_refused = answer.status_code == 401 and answer.get_json()["code"] in CODES
                if not is_refused or answer.headers["WWW-Authenticate"] != "Bearer":
                    accepted.append(f"{path} {token[:200]}: {answer.status_code} {answer.text}")
    return accepted


@pytest.mark.asvs("9.1.1", "9.1.2", "9.1.3")
def test_a_token_that_we_did_not_sign_is_401(app: Flask, forge: Forge, cast: Cast, thorough: bool) -> None:
    """One that is changed and signed again with our key is accepted: the others are well forged."""
    tokens = [*_tampered(forge, cast), *_with_another_algorithm(forge), *_with_own_key(forge)]
    assert _accepted(app, tokens, thorough=thorough) == []
    for token in (forge.sign(), forge.with_header(kid="another"), forge.with_claims(extra=1)):
        assert Caller(app, token).get(PATHS[0]).status_code == 200


def _tampered(forge: Forge, cast: Cast) -> list[str]:
    head, claims, signature = forge.sign().split(".")
    other = encode(forge.claims | {"sub": cast.dana.id})
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    return [
        f"{head}.{other}.{signature}",
        f"{head}.{claims}.{flipped}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}..{signature}",
        f".{claims}.{signature}",
        f"{head}.{claims}.{signature}.{signature}",
        f"{head}.{claims}.{signature[:-4]}",
        forge.sign(key=b"0123456789abcdef0123456789abcdef"),
        forge.sign(key=b""),
    ]


def _with_another_algorithm(forge: Forge) -> list[str]:
    """With none; with the right key; with the public half of an RSA key as the secret."""
    tokens = []
    for algorithm in ("none", "None", "NONE", "nOnE", "", None):
        header = forge.header | {"alg": algorithm}
        unsigned = f"{encode(header)}.{encode(forge.claims)}."
        tokens += [unsigned, unsigned + "x", forge.sign(header=header)]
    for algorithm, digest in (("HS512", "sha512"), ("HS384", "sha384"), ("hs256", "sha256")):
        tokens.append(forge.sign(header=forge.header | {"alg": algorithm}, digest=digest))
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for algorithm in ("RS256", "PS256", "ES256", "EdDSA"):
        header = forge.header | {"alg": algorithm}
        tokens += [forge.sign(header=header), forge.sign(header=header, key=public)]
    return [*tokens, forge.sign(key=public)]


def _with_own_key(forge: Forge) -> list[str]:
    mine = b"a key that the attacker has chosen"
    headers: list[dict[str, Any]] = [
        {"jwk": {"kty": "oct", "k": encode(mine)}},
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
    ]
    return [forge.sign(header=forge.header | header, key=mine) for header in headers]


@pytest.mark.asvs("9.2.1", "9.2.3")
def test_a_token_with_wrong_claims_and_text_that_is_none_is_401(
    app: Flask, forge: Forge, thorough: bool
) -> None:
    """Outside its time; for or by another; no JSON object."""
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
        {"jti": 10**400},
        {"jti": "\0"},
        {"jti": "\ud800"},
        {"sub": None},
    ]
    others: list[Any] = [[], "text", 5, None, True]
    documents = [json.dumps(other).encode() for other in others]
    signed = [forge.sign(claims=claims) for claims in (*documents, b"[" * 20_000, b"\xff", b"", b"{}x")]
    claimed = [forge.with_claims(**claims) for claims in wrong]
    assert _accepted(app, [*claimed, *signed], thorough=thorough) == []

    texts = [
        *("x", "...", "a.b.c", "é.é.é", "." * 5000, "A" * 50_000),
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
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..x.y.z",
    ]
    assert _accepted(app, texts, thorough=thorough) == []
