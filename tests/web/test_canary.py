"""No secret gets out: a marker in every one, every route driven, everything searched."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.extensions import db
from app.services import connections, endpoints, people, providers
from tests.support.canary import found_in, found_in_files
from tests.support.cast import PASSWORD, Cast, issue
from tests.support.furnished import Furnished, furnish
from tests.support.pages import Portal
from tests.support.routes import everything
from tests.support.scopes import NOBODY

RAW = {"/api/calls/providers/config", "/api/settings/telephony"}


@pytest.fixture
def here(app: Flask, cast: Cast) -> Furnished:
    app.extensions["patchbay_outbound"] = NOBODY
    return furnish(app, cast)


@pytest.fixture
def secrets(here: Furnished, shared_keys: dict[str, str]) -> dict[str, str]:
    """Those stored, and those of the installation."""
    return {**here.secrets, **shared_keys, "Dana's password": PASSWORD}


def drive(app: Flask, here: Furnished, portal: Portal, jwt: str) -> Iterator[tuple[str, bytes]]:
    """Every answer to every method of every route, with and without what it wants."""
    token = portal.token()
    bearer = {"Authorization": f"Bearer {jwt}"}
    for rule in sorted(app.url_map.iter_rules(), key=_harmless_first):
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            for provider in _providers(rule):
                path = here.address(rule, key=provider)
                for request in _requests(method, token):
                    headers = request.pop("headers", {}) | (bearer if path.startswith("/api/") else {})
                    answer = portal.raw(method, path, headers=headers, **request)
                    yield f"{method} {path} {answer.status_code}", _bytes(answer)


def _providers(rule: Rule) -> tuple[str, ...]:
    if rule.endpoint.startswith("callback."):
        return ("sinch",)
    return ("twilio", "elevenlabs") if "<key>" in rule.rule else ("twilio",)


def _harmless_first(rule: Rule) -> tuple[bool, bool, str]:
    unsafe = bool((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"})
    return unsafe, "sign-out" in rule.rule or "disabled" in rule.rule, rule.rule


def _requests(method: str, token: str) -> list[dict[str, Any]]:
    if method == "GET":
        htmx = {"HX-Request": "true", "HX-Target": "endpoints"}
        return [{}, {"headers": htmx}, {"query_string": {"provider": "vobiz", "q": "1", "edit": "x"}}]
    return [
        {"data": {}},
        {"data": {"csrf_token": token, "version": "0"}},
        {"data": "{", "headers": {"Content-Type": "application/json"}},
        {"json": {"wrong": ["kind"], "provider": 7}},
        {"data": everything(token)},
    ]


def _bytes(answer: TestResponse) -> bytes:
    return str(answer.headers).encode() + answer.data


@pytest.mark.asvs("16.2.5")
def test_no_secret_is_in_any_answer_log_or_file(
    here: Furnished, secrets: dict[str, str], dana: Portal, logged: StringIO, tmp_path: Path
) -> None:
    app = dana.app
    jwt = issue(app, here.cast.dana).jwt
    answers = 0
    for said, content in drive(app, here, dana, jwt):
        assert found_in(content, secrets) == [], said
        answers += 1
    assert answers > 150
    assert found_in(logged.getvalue().encode(), secrets) == []
    assert logged.getvalue().count("\n") > 50
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"patchbay.db", "patchbay.db-wal"}
    assert found_in_files(files, secrets) == []
    with app.app_context():
        db.engine.dispose()


@pytest.mark.asvs("16.2.5")
def test_no_secret_is_in_a_failure(
    here: Furnished,
    secrets: dict[str, str],
    dana: Portal,
    logged: StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Failing where the secrets have just been opened, and where they are about to be stored."""
    dana.app.testing = False
    failures = 0

    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError(f"failed with {len(arguments)} arguments")

    for module, name in (
        (connections, "_state"),
        (connections, "_apply_secret"),
        (endpoints, "agents"),
        (people, "number_counts"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, fail)
            form = {"twilio_auth_token": here.secrets["twilio.auth_token"] + "x"}
            version = {"csrf_token": dana.token(), "version": "1"}
            for method, path in (
                ("POST", "/o/acme-support/providers/twilio"),
                ("GET", "/o/acme-support/endpoints"),
                ("GET", "/o/acme-support/people"),
                ("GET", "/o/acme-support/voice-ai"),
            ):
                answer = dana.raw(method, path, data=(form | version) if method == "POST" else None)
                failures += answer.status_code == 500
                assert found_in(_bytes(answer), secrets) == [], path
    assert failures >= 6
    assert logged.getvalue().count("request.failed") == failures
    assert found_in(logged.getvalue().encode(), secrets) == []


def test_raw_values_leave_by_two_documents_and_with_the_scope_only(
    app: Flask, cast: Cast, here: Furnished, dana: Portal
) -> None:
    jwt = issue(app, cast.dana, secrets=True).jwt
    leaks = {
        path
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and "GET" in (rule.methods or set())
        for path in [here.address(rule)]
        if found_in(_bytes(dana.raw("GET", path, headers={"Authorization": f"Bearer {jwt}"})), here.secrets)
    }
    assert leaks == RAW


@pytest.mark.parametrize(
    "leak",
    [
        lambda secret: secret,
        lambda secret: json.dumps({"a": secret}),
        lambda secret: quote(f"?a={secret}&b"),
        lambda secret: base64.b64encode(f"{secret}:x".encode()).decode(),
        lambda secret: base64.b64encode(f"u:{secret}".encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"me:{secret}!".encode()).decode(),
        lambda secret: secret.encode().hex(),
    ],
)
@pytest.mark.parametrize("secret", ["cAnArYtwilio.auth_token", 'an "odd" & <long> one/é', "JBSWY3DPEHPK3PXP"])
def test_the_scanner_finds_what_was_planted(tmp_path: Path, leak: object, secret: str) -> None:
    planted = tmp_path / "patchbay.log"
    planted.write_text(f"something before {leak(secret)} something after")  # type: ignore[operator]
    assert found_in_files([planted], {"planted": secret}) == ["patchbay.log: planted"]
    planted.write_text("nothing of the kind")
    assert found_in_files([planted], {"planted": secret}) == []


def test_a_leak_in_a_page_is_found(
    app: Flask, cast: Cast, here: Furnished, dana: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "FAMILY_WORDS", _Leaky(here.secrets["twilio.auth_token"]))
    answers = drive(app, here, dana, issue(app, cast.dana).jwt)
    assert any("twilio.auth_token" in found_in(content, here.secrets) for _, content in answers)


class _Leaky(dict[object, str]):
    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __missing__(self, _key: object) -> str:
        return self.secret
