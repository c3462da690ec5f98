"""Who sends slowly stops nobody else."""

from __future__ import annotations

import select
import socket
import threading
from io import BytesIO
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from app.bodies import READERS, Body
from app.core.errors import Busy
from app.http import MOST_ASKING
from app.serving import THREADS
from tests.support.server import Server


def test_some_threads_are_always_free() -> None:
    assert READERS + MOST_ASKING < THREADS


def test_reading_takes_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.bodies.PATIENCE", 0.0)
    turns = threading.BoundedSemaphore(1)
    body = Body(BytesIO(b"one\ntwo\n"), turns)
    assert body.readline() == b"one\n"
    assert list(body) == [b"two\n"]
    with turns, pytest.raises(Busy):
        body.read()
    assert body.read() == b""


def test_half_sent_requests_leave_the_others_be(server: Server) -> None:
    """As many as there are threads, on the two addresses that anybody may send to."""
    place = urlsplit(server.url)
    head = "Host: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
    sockets = []
    try:
        for number in range(THREADS + 4):
            path = "/api/auth/login" if number % 2 else "/api/webhook/elevenlabs/nobody"
            sender = socket.create_connection((place.hostname, place.port), timeout=10)
            sender.sendall(f"POST {path} HTTP/1.1\r\n{head}".encode())
            sockets.append(sender)
        answered, _, _ = select.select(sockets, [], [], 10)
        assert b" 503 " in answered[0].recv(100_000).split(b"\r\n")[0]
        for _ in range(3):
            with urlopen(f"{server.url}/healthz", timeout=5) as answer:  # noqa: S310
                assert answer.status == 200
    finally:
        for sender in sockets:
            sender.close()
