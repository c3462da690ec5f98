"""POST /api/webhook/elevenlabs/{organization id}."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.api.webhooks import LARGEST_EVENT
from app.extensions import db
from app.models import Call
from app.providers import PROVIDERS
from app.services.providers import credentials
from simulators.elevenlabs.workspace import ended, signed
from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.full_organization import scope_as
from tests.support.rows import unchanged

SECRET = "sample-webhook-secret-of-acme"


@pytest.fixture
def path(app: Flask, cast: Cast) -> str:
    """Acme's, which knows its webhook's secret."""
    with scope_as(app, cast.dana) as scope:
        credentials.save(scope, PROVIDERS["elevenlabs"], {"webhook_secret": SECRET})
    return f"/api/webhook/elevenlabs/{cast.acme}"


def send(caller: Caller, path: str, event: Any, secret: str = SECRET, at: int | None = None) -> TestResponse:
    body, headers = signed(event, secret, at)
    return caller.call("POST", path, data=body, headers=headers)


def test_signed_event_is_stored_once_unless_invalid_or_too_large(
    app: Flask, anonymous: Caller, path: str, cast: Cast
) -> None:
    """Of one message, not of one event. The headers of a browser change nothing."""
    at = int(time.time())
    answer = send(anonymous, path, ended(), at=at)
    assert (answer.status_code, answer.json) == (200, {"success": True, "message": "Call saved."})
    again = send(anonymous, path, ended(), at=at)
    assert (again.status_code, again.get_json()["code"]) == (409, "REPLAYED")
    assert send(anonymous, path, ended(), at=at - 1).status_code == 200
    with app.app_context():
        call = db.session.query(Call).one()
        assert (call.organization_id, call.conversation_id) == (cast.acme, "conv-1")
    body, headers = signed(ended(), SECRET, at - 2)
    headers |= {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", "Cookie": "a=b"}
    answer = anonymous.call("POST", path, data=body, headers=headers)
    assert (answer.status_code, "evil" in str(answer.headers)) == (200, False)

    with unchanged(app):
        assert send(anonymous, path, b"{").status_code == 400
        assert fields(send(anonymous, path, ended(""))) == {"data.conversation_id"}
    assert send(anonymous, path, {"type": "post_call_audio", "data": {}}).status_code == 200

    def padded(size: int) -> bytes:
        return b'{"type":"post_call_audio","data":"' + b"x" * (size - 36) + b'"}'

    assert len(padded(LARGEST_EVENT)) == LARGEST_EVENT
    assert send(anonymous, path, padded(LARGEST_EVENT)).status_code == 200
    with unchanged(app):
        for more in (1, 2, 1_000_000):
            answer = send(anonymous, path, padded(LARGEST_EVENT + more))
            assert (answer.status_code, answer.json["code"]) == (413, "TOO_LARGE")  # type: ignore[index]


def test_every_invalid_signature_gets_the_same_401(
    app: Flask, anonymous: Caller, dana: Caller, path: str, cast: Cast
) -> None:
    now = int(time.time())
    here = f"/api/webhook/elevenlabs/{cast.globex}"
    with unchanged(app):
        answers = [
            send(anonymous, path, ended(), "sample-and-wrong"),
            send(anonymous, path, ended(), at=now - 3600),
            send(anonymous, path, ended(), at=now + 3600),
            send(anonymous, here, ended()),
            send(anonymous, here, ended(), ""),
            send(anonymous, "/api/webhook/elevenlabs/nowhere", ended()),
            send(anonymous, "/api/webhook/elevenlabs/nowhere", ended(), ""),
            anonymous.call("POST", path, data=b"{}", headers={"ElevenLabs-Signature": "t=1,v0=\xff"}),
            anonymous.post(path, {}),
            dana.post(path, {}),
            anonymous.call("POST", path, data={"a": "form"}),
            anonymous.call("POST", path),
        ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1
    assert answers[0].json["code"] == "INVALID_SIGNATURE"  # type: ignore[index]
