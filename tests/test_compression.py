"""Pages and lists are sent compressed, what has a secret in it is not, and CSRF tokens differ each time."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.test import TestResponse

from app import compression, csrf_tokens
from devtools.html import parse
from devtools.scopes import PASSWORD
from tests.support.cast import Cast, assemble, issue
from tests.support.pages import Portal

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
ENDPOINTS = "/api/settings/endpoints"


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def dana(app: Flask, cast: Cast) -> Portal:
    portal = Portal(app)
    portal.sign_in(cast.dana.email)
    return portal


@pytest.fixture
def token(app: Flask, cast: Cast) -> str:
    return issue(app, cast.dana, secrets=True).jwt


def _api(app: Flask, token: str, path: str, method: str = "GET", **request: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", **GZIP} | request.pop("headers", {})
    client = app.test_client(use_cookies=False)
    return client.open(path, method=method, headers=headers, buffered=True, **request)


def _is_compressed(answer: TestResponse) -> bool:
    return answer.headers.get("Content-Encoding") == "gzip"


def _varies(answer: TestResponse) -> bool:
    return "Accept-Encoding" in answer.headers.get("Vary", "")


def test_pages_are_compressed_unless_they_have_a_secret(dana: Portal, app: Flask) -> None:
    wrong = []
    for accepted, expected in (("gzip", True), ("gzip;q=0", False), ("identity", False), ("br, *", True)):
        answer = dana.raw("GET", "/o/acme-support/endpoints", headers={"Accept-Encoding": accepted})
        if _is_compressed(answer) is not expected or not _varies(answer):
            wrong.append(accepted)
        page = gzip.decompress(answer.data) if expected else answer.data
        assert int(answer.headers["Content-Length"]) == len(answer.data)
        assert b"</html>" in page
    assert wrong == []

    assert _is_compressed(dana.raw("GET", "/account", headers=GZIP))
    dana.get("/account").press("Set up two-step sign-in", your_password=PASSWORD)
    shown = dana.raw("GET", "/account", headers=GZIP)
    assert "otpauth" in shown.text
    assert not _is_compressed(shown)
    assert not _is_compressed(dana.raw("POST", "/account/password", headers=GZIP, data={}))


def test_csrf_tokens_of_two_responses_have_nothing_in_common(app: Flask, dana: Portal) -> None:
    """Both are accepted; what a session signs is in neither of them."""
    tokens = []
    for _ in range(2):
        page = parse(dana.raw("GET", "/account").text)
        tokens.append({field["value"] for field in page.all("input", name="csrf_token")})
    (one,), (other,) = tokens
    assert not {one[start : start + 6] for start in range(len(one) - 6)} & {
        other[start : start + 6] for start in range(len(other) - 6)
    }
    with app.test_request_context():
        assert csrf_tokens.unmasked(csrf_tokens.masked_token()) == g.csrf_token
        assert csrf_tokens.masked_token() == csrf_tokens.masked_token()
    wrong = [
        text
        for text in ("", "x", "é", "AAAA", one[:-4])
        if csrf_tokens.unmasked(text) == csrf_tokens.unmasked(one)
    ]
    assert wrong == []
    for token, status in ((one, 422), (other, 422), (csrf_tokens.unmasked(one), 400), (one[:-4], 400)):
        submitted = {"csrf_token": token, "current_password": "wrong", "new_password": "x"}
        assert dana.raw("POST", "/account/password", data=submitted).status_code == status


def test_lists_and_public_documents_are_compressed_with_a_weak_tag(app: Flask, token: str) -> None:
    for digit in range(9):
        payload = {"phone_number": f"+1555123456{digit}", "provider": "twilio", "label": "Front desk " * 9}
        assert _api(app, token, ENDPOINTS, "POST", json=payload).status_code == 201
    plain = _api(app, token, ENDPOINTS, headers={"Accept-Encoding": "identity"})
    packed = _api(app, token, ENDPOINTS)
    assert _is_compressed(packed)
    assert json.loads(gzip.decompress(packed.data)) == plain.json
    assert _varies(plain)
    assert _varies(packed)
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    for answer in (plain, packed):
        again = _api(app, token, ENDPOINTS, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304

    compressed = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        and getattr(app.view_functions[rule.endpoint], "is_compressible", False)
        and "GET" in (rule.methods or ())
    }
    assert {"/api/openapi.json", "/api/docs", ENDPOINTS} <= compressed
    secret = {
        "/api/settings/telephony",
        "/api/calls/providers/config",
        "/api/calls/voice-ai/config",
        "/api/me",
    }
    assert not secret & compressed
    assert _is_compressed(_api(app, token, "/api/openapi.json"))
    for path in secret:
        answer = _api(app, token, path)
        assert not _is_compressed(answer)
        assert answer.headers["ETag"].startswith('"')


def test_stream_is_compressed_as_it_is_read_and_breaks_off_with_it() -> None:
    read = 0

    def pieces() -> Any:
        nonlocal read
        for number in range(2000):
            read += 1
            yield str(number).encode() * 50
        raise ConnectionError

    packed = compression._stream(pieces())
    unpacker = zlib.decompressobj(compression.GZIP)
    assert unpacker.decompress(next(packed) + next(packed) + next(packed))
    assert read == 3
    with pytest.raises(ConnectionError):
        unpacker.decompress(b"".join(packed))
    assert not unpacker.eof
