"""Clients that exhaust a server's connections, threads or cores."""

from __future__ import annotations

import select
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

from devtools.clients import ApiClient, Unanswered

CONNECTIONS = 40
SECONDS = 10
PAUSE = 0.1
"""Seconds between a response and the client's next sign-in."""
REOPENED_AFTER = 1.0
ENDED = select.POLLHUP | select.POLLERR | select.POLLRDHUP


class HeldOpen:
    """Connections that send part of a request, then neither send nor read.

    A connection that the server closes is opened again within a second.
    """

    def __init__(self, url: str, beginning: bytes, connections: int = CONNECTIONS) -> None:
        place = urlsplit(url)
        self._address = (place.hostname, place.port)
        self._beginning = beginning
        self._sockets = [self._open() for _ in range(connections)]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._hold, daemon=True)

    def __enter__(self) -> HeldOpen:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        for connection in self._sockets:
            connection.close()

    def _open(self) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(SECONDS)
        with suppress(OSError):
            connection.connect(self._address)
            connection.sendall(self._beginning)
        return connection

    def _hold(self) -> None:
        while not self._stopped.wait(REOPENED_AFTER):
            ends = select.poll()
            for connection in self._sockets:
                ends.register(connection, ENDED)
            ended = {descriptor for descriptor, _ in ends.poll(0)}
            for place, connection in enumerate(self._sockets):
                if connection.fileno() in ended:
                    connection.close()
                    self._sockets[place] = self._open()


def slow_readers(url: str, token: str) -> HeldOpen:
    """Returns clients that request the whole list of endpoints and do not read it."""
    return HeldOpen(url, f"GET /api/settings/endpoints HTTP/1.1\r\n{_head(url, token)}\r\n".encode())


def silent_bodies(url: str) -> HeldOpen:
    """Returns unauthenticated clients that announce a form and do not send it."""
    kind = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 900\r\n"
    return HeldOpen(url, f"POST /sign-in HTTP/1.1\r\n{_head(url)}{kind}\r\n".encode())


def half_sent_heads(url: str) -> HeldOpen:
    """Returns clients that do not finish their headers."""
    return HeldOpen(url, f"GET /api/calls/providers HTTP/1.1\r\n{_head(url)}X-Not-Ended: ".encode())


def _head(url: str, token: str = "") -> str:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"Host: {urlsplit(url).netloc}\r\n{authorization}"


@contextmanager
def sign_ins(url: str, connections: int = CONNECTIONS) -> Iterator[Counter[int]]:
    """Runs clients that sign in with wrong passwords, up to 400 times a second.

    Each time they use the email of another user.
    """
    statuses: Counter[int] = Counter()
    answered, stopped, names = threading.Event(), threading.Event(), count()

    def attempt() -> None:
        client = ApiClient(url, "", seconds=SECONDS)
        while not stopped.wait(PAUSE):
            body = {"email": f"user-{next(names)}@acme.example", "password": "not the right password"}
            with suppress(Unanswered):
                statuses[client.call("POST", "/api/auth/login", body).status] += 1
                answered.set()
        client.close()

    threads = [threading.Thread(target=attempt, daemon=True) for _ in range(connections)]
    for thread in threads:
        thread.start()
    answered.wait(SECONDS)
    try:
        yield statuses
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


@contextmanager
def hanging_calls(requests: int, call: Callable[[], object]) -> Iterator[None]:
    """Runs concurrent calls, each of which hangs until the provider responds."""
    threads = [threading.Thread(target=call, daemon=True) for _ in range(requests)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(SECONDS)
