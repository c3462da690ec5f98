"""The receiver of notifications, called by the client that Patchbay calls everything with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from devtools import html
from simulators.receiver import HOST, SLACK_URL, URL, Receiver, Trouble

KEY = b"sample-key-of-24-bytes.."
SECRET = "whsec_" + base64.b64encode(KEY).decode()
EVENT: Mapping[str, Any] = {
    "type": "number.unhealthy",
    "timestamp": "2026-01-01T00:00:00Z",
    "data": {
        "organization": {"id": "1", "name": "Meridian <b>Support</b>"},
        "subject": "+14155550101",
        "reason": "The webhook is different.",
        "url": "javascript:alert(1)",
    },
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def deliver(
    receiver: Receiver, path: str = "", *, at: float = 0, key: bytes = KEY, tampered: bool = False
) -> Any:
    """Sends a signed event; returns the status, or the code of the failure."""
    body = json.dumps(EVENT).encode()
    stamp = str(int(at or time.time()))
    signed = base64.b64encode(hmac.digest(key, b"msg_1." + stamp.encode() + b"." + body, hashlib.sha256))
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1a,abc v1,{signed.decode()}",
        "Content-Type": "application/json",
    }
    http = Outbound(receiver.upstreams, deadline=0.2 if path.endswith(Trouble.HANG) else 5.0)
    url = f"https://{HOST}/{path}" if path else URL
    try:
        return http.send("POST", url, headers=headers, body=body + b" " * tampered).status
    except OutboundError as error:
        return error.code


def states(receiver: Receiver) -> list[Any]:
    return [receiver.state(item) for item in receiver.arrived]


def test_receiver_checks_signatures_with_each_secret(receiver: Receiver) -> None:
    assert deliver(receiver) == 200
    assert states(receiver) == [("not verified: no secret", False)]
    receiver.secrets += ["whsec_" + base64.b64encode(b"another").decode(), SECRET]
    deliver(receiver, key=b"third")
    deliver(receiver, tampered=True)
    deliver(receiver, at=time.time() - 301)
    requests.post(receiver.base, EVENT, timeout=5)
    assert states(receiver) == [
        ("verified", True),
        ("not verified: wrong signature", False),
        ("not verified: wrong signature", False),
        ("not verified: old timestamp", False),
        ("not verified: unsigned", False),
    ]


def test_receiver_misbehaves_by_path_and_by_choice(receiver: Receiver) -> None:
    receiver.slowness = 0.01
    expected = {
        Trouble.SLOW: 200,
        Trouble.HANG: "timeout",
        Trouble.REDIRECT: "redirect",
        Trouble.FAULT: 500,
        Trouble.GONE: 410,
        Trouble.RATE_LIMITED: 429,
        Trouble.GIGABYTE: "too_large",
        Trouble.EMPTY: 200,
        Trouble.CLOSED: "connect",
    }
    assert {trouble: deliver(receiver, f"hooks/{trouble}") for trouble in Trouble} == expected
    receiver.trouble = Trouble.FAULT
    assert (deliver(receiver), deliver(receiver, "empty")) == (500, 200)
    assert len(receiver.arrived) == len(Trouble) + 2


def test_receiver_responds_as_slack_does_to_whole_requests(receiver: Receiver) -> None:
    http = Outbound(receiver.upstreams)
    messages = [
        (SLACK_URL, {"text": "Down"}),
        (SLACK_URL, {}),
        ("https://hooks.slack.com/", {}),
    ]
    answers = [http.send("POST", url, json=message) for url, message in messages]
    assert [(answer.status, answer.body) for answer in answers] == [
        (200, b"ok"),
        (400, b"no_text"),
        (404, b"no_service"),
    ]
    assert receiver.arrived[0].title == "Down"

    arrived = len(receiver.arrived)
    host, port = urlsplit(receiver.base).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(
            f"POST /notifications HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\n{{}}".encode()
        )
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    assert len(receiver.arrived) == arrived, "its client was killed while it sent"


def test_receiver_pages_show_the_newest_first_and_take_a_secret(receiver: Receiver) -> None:
    deliver(receiver, "first")
    deliver(receiver, "second")
    listed = html.parse(requests.get(receiver.base, timeout=5).text.removeprefix("<!doctype html>").strip())
    assert [link["href"] for row in listed.all("article") for link in row.all("a")] == ["/2", "/1"]
    assert [element.tag for element in listed.all("article")[0].all("b")] == []
    shown = requests.get(f"{receiver.base}/2", timeout=5).text
    assert "https://receiver.example/second" in shown
    assert 'href="javascript' not in shown

    settings = f"{receiver.base}/settings"
    label = "Use this secret"
    page = html.parse(requests.get(settings, timeout=5).text.removeprefix("<!doctype html>").strip())
    (row,) = [field["value"] for field in page.all("input", name="row") if "signing" in field["value"]]
    for secret, headers in [
        ("not a secret", {}),
        (SECRET, {"Origin": "https://elsewhere.example"}),
        (SECRET, {"Origin": receiver.base}),
    ]:
        requests.post(settings, {"row": row, "do": label, label: secret}, headers=headers, timeout=5)
    assert receiver.secrets == [SECRET]
