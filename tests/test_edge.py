"""What the edge makes of a request, without a server: Flask is called through ASGI."""

from __future__ import annotations

import asyncio
import json
import select
import socket
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask, Response, request
from sqlalchemy.exc import OperationalError

from app import limits
from app.edge import Edge, connections, downloads
from app.edge.asgi import BEGIN, FIRST_PIECES
from app.edge.environ import LARGEST_HEADERS, LONGEST_URL, MOST_HEADERS
from app.edge.pace import FIRST_AHEAD, Pace

Header = tuple[bytes, bytes]
Result = TypeVar("Result")


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    """In a thread, as the browser's loop may be running in this one."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@dataclass
class Client:
    """Sends requests to an application as granian does."""

    app: Flask
    sent: list[dict[str, Any]] = field(default_factory=list)
    edge: Edge | None = None
    body: bytes = b""

    def post(self, path: str, body: object, headers: Sequence[Header] = ()) -> int:
        """Returns the status of the response to JSON."""
        self.body = json.dumps(body).encode()
        kind = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.body))]
        return self.get(path, [*kind, *headers], method="POST")[0]

    def get(
        self, path: str, headers: Sequence[Header] = (), *, method: str = "GET"
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        self.sent.clear()
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "http_version": "1.1",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "server": ("127.0.0.1", "1"),
            "client": ("127.0.0.1", "2"),
            "headers": [(b"host", b"localhost"), *headers],
        }
        edge = self.edge or Edge(self.app, limits.limit_of(self.app))
        served = edge(scope, self._receive, self._send)
        _run(served)
        start, *pieces = self.sent
        return start["status"], dict(start["headers"]), b"".join(piece["body"] for piece in pieces)

    async def _receive(self) -> dict[str, Any]:
        if self.body:
            body, self.body = self.body, b""
            return {"type": "http.request", "body": body}
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


@pytest.fixture
def client(app: Flask) -> Client:
    return Client(app)


def test_header_with_underscore_is_dropped(app: Flask, client: Client) -> None:
    app.add_url_rule("/api/echo", view_func=lambda: {**request.headers})
    headers = [
        (b"x_forwarded_for", b"192.0.2.1"),
        (b"x-forwarded-for", b"192.0.2.2"),
        (b"x-a", b"1"),
        (b"x-a", b"2"),
    ]
    echoed = json.loads(client.get("/api/echo", headers)[2])
    assert echoed["X-Forwarded-For"] == "192.0.2.2"
    assert echoed["X-A"] == "1,2"


def test_url_or_headers_over_the_limit_are_rejected(client: Client, subtests: pytest.Subtests) -> None:
    for path in ["/sign-in", "/api/calls/providers"]:
        with subtests.test(path=path):
            long = client.get(f"{path}?{'x' * LONGEST_URL}")
            large = client.get(path, [(b"x-a", b"x" * LARGEST_HEADERS)])
            many = client.get(path, [(b"x-a", b"x")] * MOST_HEADERS)
            assert [status for status, _, _ in (long, large, many)] == [414, 431, 431]
            for _, headers, body in (long, large, many):
                assert b"max-age=" in headers[b"strict-transport-security"]
                assert headers[b"x-content-type-options"] == b"nosniff"
                assert headers[b"connection"] == b"close"
                assert not path.startswith("/api") or set(json.loads(body)) == {"success", "error", "code"}


def test_failure_in_a_short_response_gets_an_error_page_after_it_none(app: Flask, client: Client) -> None:
    def pieces() -> Iterator[str]:
        yield "begin"
        raise OperationalError("select", {}, ConnectionError("gone"), connection_invalidated=True)

    def fail() -> None:
        raise RuntimeError("a test")

    def closing() -> Response:
        response = Response("made")
        response.call_on_close(fail)
        return response

    app.add_url_rule("/closing", view_func=closing)
    paths = ("/pieces", "/api/pieces")
    for path in paths:
        app.add_url_rule(path, view_func=lambda: Response(pieces()), endpoint=path)
    for path in paths:
        status, headers, body = client.get(path)
        assert (status, b"retry-after" in headers, b"begin" in body) == (503, True, False), path
    assert client.get("/closing")[::2] == (200, b"made")


def test_failed_long_response_is_cut_off(app: Flask, client: Client) -> None:
    def pieces() -> Iterator[str]:
        yield "x" * 400_000
        raise RuntimeError("a test")

    app.add_url_rule("/long", view_func=lambda: Response(pieces()))
    status, _, body = client.get("/long")
    assert (status, len(body)) == (200, 400_000)
    assert client.sent[-1].get("more_body")


def test_long_response_is_made_as_the_client_takes_it(app: Flask, client: Client) -> None:
    """A list that is requested and not read costs little."""
    ahead = []

    def pieces() -> Iterator[bytes]:
        for number in range(1, 101):
            received = sum(len(message.get("body", b"")) for message in client.sent)
            ahead.append(number * 100_000 - received)
            yield bytes(100_000)

    app.add_url_rule("/long", view_func=lambda: Response(pieces()))
    status, _, body = client.get("/long")
    assert (status, len(body)) == (200, 10_000_000)
    assert max(ahead) <= (BEGIN + 1 + 2) * 100_000


def test_list_that_finds_no_place_as_a_download_is_given_up_early(app: Flask) -> None:
    """And immediately the next time, whenever no place is free."""
    chunks: list[bytes] = []

    def pieces(count: int) -> Iterator[bytes]:
        for _ in range(count):
            chunks.append(bytes(10_000))
            yield chunks[-1]

    app.add_url_rule("/api/long", view_func=lambda: Response(pieces(100)), endpoint="long")
    app.add_url_rule("/api/none", view_func=lambda: Response(status=304), endpoint="none")
    app.add_url_rule("/api/short", view_func=lambda: Response(pieces(FIRST_PIECES)), endpoint="short")
    edge = Edge(app, limits.limit_of(app))
    for _ in range(downloads.MOST):
        edge._downloads.reserve()
    alice, bob = ([(b"authorization", f"Bearer {name}".encode())] for name in ("alice", "bob"))
    refused = [Client(app, edge=edge).get("/api/long", who)[0] for who in (alice, alice, bob)]
    assert refused == [503, 503, 503]
    assert len(chunks) == 2 * (FIRST_PIECES + 1)
    assert Client(app, edge=edge).get("/api/short")[0] == 200
    assert Client(app, edge=edge).get("/api/none")[0] == 304
    edge._downloads.release()
    assert Client(app, edge=edge).get("/api/long", alice)[0] == 200
    assert Client(app, edge=edge).get("/api/long", alice)[0] == 200
    for _ in range(downloads.MOST + 1):
        assert Client(app, edge=edge).get("/api/short")[0] == 200
    edge._downloads.reserve()
    before = len(chunks)
    assert Client(app, edge=edge).get("/api/long", alice)[0] == 503
    assert len(chunks) == before


def test_teardown_failure_has_an_id_and_security_headers(app: Flask, client: Client) -> None:
    app.teardown_request(_fail)
    status, headers, body = client.get("/api/openapi.json")
    assert status == 500
    assert json.loads(body)["id"].encode() == headers[b"x-request-id"]
    assert b"strict-transport-security" in headers
    assert b"a test" not in body


def _fail(_error: BaseException | None) -> None:
    raise RuntimeError("a test")


def test_close_leaves_no_descriptor() -> None:
    """Neither of sockets nor of files and pipes, which a worker has open too."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0],
    ):
        before = _descriptors()
        connections.close(listener.getsockname(), client.getsockname())
        assert _descriptors() == before
        assert client.recv(1) == b""


@pytest.mark.parametrize("ends", ["read", "gone"])
def test_download_waits_until_its_client_has_it_or_is_gone(ends: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
        listener.accept()[0] as served,
    ):
        client.setblocking(False)
        served.setblocking(False)
        while select.select([], [served], [], 0)[1]:
            served.send(bytes(100_000))
        before = _descriptors()
        unacknowledged = _run(_wait_for(served, client, ends))
        assert (unacknowledged <= FIRST_AHEAD) == (ends == "read")
        assert _descriptors() == before


async def _wait_for(served: socket.socket, client: socket.socket, ends: str) -> int:
    """Returns the bytes that the client had not acknowledged when the wait ended."""
    gone = asyncio.get_running_loop().create_future()
    pace = Pace()
    await pace.find(served.getsockname(), client.getsockname())
    waiting = asyncio.ensure_future(pace.wait(gone))
    await asyncio.sleep(0)
    if ends == "gone":
        gone.set_result(None)
    while ends == "read" and not waiting.done():
        with suppress(BlockingIOError):
            client.recv(65_536)
        await asyncio.sleep(0)
    await waiting
    pace.close()
    return connections.unacknowledged(served)


def _descriptors() -> list[str]:
    return sorted(file.name for file in Path("/dev/fd").iterdir())
