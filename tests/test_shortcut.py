"""Responses to dialers that the edge sends without Flask."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, Response
from prometheus_client import REGISTRY

from app import limits
from app.core import clock
from app.edge import Edge, shortcut
from app.extensions import db
from app.models import ApiToken, Organization, User
from tests.support.cast import Cast, assemble, issue
from tests.test_edge import Client, Header

PATH = "/api/calls/providers"


@dataclass
class Dialer:
    """Sends the dialer's request. `flask` has an item for each one that Flask got, `ids` are of responses."""

    client: Client
    token: str
    token_id: str
    flask: list[str] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)

    def ask(self, *headers: Header, target: str = PATH, method: str = "GET") -> tuple[int, Any, bytes]:
        self.flask.clear()
        self.client.body = b"{}" if b"content-length" in dict(headers) else b""
        bearer = (b"authorization", f"Bearer {self.token}".encode())
        status, received, body = self.client.get(target, [bearer, *headers], method=method)
        self.ids.append(received.pop(b"x-request-id"))
        return status, received, body

    def is_remembered(self, *headers: Header, **request: str) -> bool:
        """Whether the edge alone responds, with what Flask responded to the same request and another id."""
        first = self.ask(*headers, **request)
        is_same = self.ask(*headers, **request) == first
        return is_same and self.flask == [] and self.ids[-2] != self.ids[-1]


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def dialer(app: Flask, cast: Cast) -> Dialer:
    issued = issue(app, cast.mo)
    client = Client(app, edge=Edge(app, limits.limit_of(app)))
    dialer = Dialer(client, issued.jwt, issued.token.id)
    app.before_request(lambda: dialer.flask.append("request"))
    return dialer


def _set(app: Flask, model: type[Any], row_id: str, values: dict[str, Any]) -> None:
    with app.app_context():
        row = db.session.get_one(model, row_id)
        for name, value in values.items():
            setattr(row, name, value)
        db.session.commit()


@pytest.mark.both_databases
def test_response_is_remembered_for_its_headers(dialer: Dialer) -> None:
    etag = dialer.ask()[1][b"etag"]
    cases: dict[str, Sequence[Header]] = {
        "none": [],
        "current tag": [(b"if-none-match", etag)],
        "old tag": [(b"if-none-match", b'"0"')],
        "origin": [(b"origin", b"https://dialer.example")],
        "unencrypted": [(b"host", b"patchbay.example")],
        "trace": [(b"traceparent", b"00-1-2-00")],
    }
    assert [name for name, headers in cases.items() if not dialer.is_remembered(*headers)] == []
    assert dialer.ask((b"if-none-match", etag))[0] == 304
    assert dialer.ask((b"if-none-match", b'"0"'))[0] == 200


@pytest.mark.both_databases
def test_response_follows_every_commit(
    app: Flask, cast: Cast, dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends with its token."""
    answers = []
    steps: list[tuple[type[Any], str, dict[str, Any]]] = [
        (Organization, cast.acme, {"active_voice": "twilio"}),
        (Organization, cast.acme, {"active_voice": "sinch"}),
        (User, cast.mo.id, {"disabled_at": clock.now()}),
        (User, cast.mo.id, {"disabled_at": None}),
        (ApiToken, dialer.token_id, {"revoked_at": clock.now()}),
    ]
    assert dialer.is_remembered()
    now = time.time
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: now() + 2 * 24 * 3600)
        assert dialer.ask()[0] == 401
    for model, row_id, values in steps:
        dialer.ask()
        _set(app, model, row_id, values)
        status, _, body = dialer.ask()
        answers.append(body if status == 200 else status)
    assert answers == [
        b'{"provider":"twilio","phoneNumber":null}',
        b'{"provider":"sinch","phoneNumber":null}',
        401,
        b'{"provider":"sinch","phoneNumber":null}',
        401,
    ]


def test_new_responses_and_tokens_replace_the_oldest(
    app: Flask, cast: Cast, dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortcut, "MOST_RESPONSES", 2)
    first, second, third = ([(b"via", f"1.1 {name}".encode())] for name in "abc")
    assert dialer.is_remembered(*first)
    assert dialer.is_remembered(*second)
    assert dialer.is_remembered(*third)
    dialer.ask(*second)
    assert dialer.flask == []
    dialer.ask(*first)
    assert dialer.flask == ["request"]

    monkeypatch.setattr(shortcut, "MOST_TOKENS", 1)
    assert dialer.is_remembered()
    old, dialer.token = dialer.token, issue(app, cast.dana).jwt
    assert dialer.is_remembered()
    dialer.token = old
    dialer.ask()
    assert dialer.flask == ["request"]


def test_everything_else_is_for_flask(app: Flask, dialer: Dialer) -> None:
    """After a failure too."""
    failures = [ValueError()]

    @app.after_request
    def fail_once(response: Response) -> Response:
        if failures:
            raise failures.pop()
        return response

    assert [dialer.ask()[0] for _ in range(3)] == [500, 200, 200]
    assert dialer.is_remembered()
    second: list[Header] = [(b"authorization", b"Bearer another")]
    remembered = [
        name
        for name, headers, request in [
            ("head", [], {"method": "HEAD"}),
            ("post", [], {"method": "POST"}),
            ("query", [], {"target": f"{PATH}?a=1"}),
            ("slash", [], {"target": f"/{PATH}"}),
            ("encoded", [], {"target": "/api/calls/provider%73"}),
            ("two tokens", second, {}),
            ("body", [(b"content-length", b"2")], {}),
            ("long header", [(b"if-none-match", b'"0", ' * 500)], {}),
            ("coded body", [(b"content-encoding", b"gzip")], {}),
        ]
        if dialer.is_remembered(*headers, **request)
    ]
    assert remembered == []


def test_remembered_response_is_counted_and_its_token_used(app: Flask, dialer: Dialer) -> None:
    used: list[str] = []
    app.extensions["patchbay_token_used"] = used.append
    assert dialer.is_remembered()
    labels = {"method": "GET", "route": PATH, "status": "200"}
    before = REGISTRY.get_sample_value("patchbay_requests_total", labels)
    dialer.ask()
    assert REGISTRY.get_sample_value("patchbay_requests_total", labels) == (before or 0) + 1
    assert used == [dialer.token_id] * 3
