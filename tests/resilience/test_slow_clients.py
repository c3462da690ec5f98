"""Clients that send or read slowly, or not at all, while others are served.

The deadlines of the server are a tenth of the usual ones.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import pytest

from app.edge import downloads, threads
from app.http import OUTBOUND_LIMITS
from devtools import processes
from devtools.clients import ApiClient, PortalClient
from devtools.load import Account, superadmin
from devtools.many import fill
from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.support.denominators import Report
from tests.support.hashing import QUICK_SERVER

SHORT = QUICK_SERVER | {"STAGED_DEADLINES": "1"}
LIST = "/api/settings/endpoints"
QUERY = "/api/calls/providers"
MANY = 40
ROWS = 40_000
"""A list of 10 MB: more than what the kernel and granian take on the way to a client that does not read."""
QUERIES, P95 = 200, 189
SECONDS = 30
MADE_FOR_NONE = 60_000
"""Bytes of a list that are sent to a client that reads nothing of it: the first rows, and one piece more."""
SENT = re.compile(r'"sent": (\d+), .*"event": "response.broken_off"')
STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")


@dataclass(frozen=True)
class Portal:
    server: Server
    account: Account

    def api(self) -> ApiClient:
        return ApiClient(self.server.url, self.account.token, seconds=SECONDS)


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Slow clients are no failure in its log, and cost it little memory."""
    with served(tmp_path_factory.mktemp("slow"), SHORT) as server:
        yield Portal(server, superadmin(server))
        assert "edge.failed" not in server.output()
        assert "Traceback" not in server.output()
        assert all(processes.resident_bytes(pid) < 600_000_000 for pid in server.workers())


@pytest.fixture(scope="module")
def filled(portal: Portal) -> Portal:
    """With a long list."""
    fill(f"sqlite:///{portal.server.data}/patchbay.db", portal.account.slug, ROWS)
    return portal


@contextmanager
def connected(portal: Portal, requests: Sequence[bytes], *, buffer: int = 0) -> Iterator[list[socket.socket]]:
    """A connection for each request, which is sent; the responses are left to be read."""
    address = urlsplit(portal.server.url)
    with ExitStack() as stack:
        connections = []
        for request in requests:
            connection = stack.enter_context(socket.socket())
            if buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            connection.settimeout(SECONDS)
            connection.connect((address.hostname, address.port))
            connection.sendall(request)
            connections.append(connection)
        yield connections


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def all_of(connection: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection."""
    received = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def statuses(connections: Sequence[socket.socket]) -> Counter[int]:
    """Of the last response on each connection, when the server has ended it; 0 for none."""
    return Counter(int([b"0", *STATUS.findall(all_of(connection))][-1]) for connection in connections)


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
OPEN_TO_ALL = {
    "/sign-in": FORM,
    "/setup": FORM,
    "/api/auth/login": JSON,
    f"/api/webhook/elevenlabs/{uuid.uuid4()}": JSON,
}
SILENT = [
    head("POST", path, f"Content-Type: {kind}", *more, "Content-Length: 5000") + begin
    for path, kind in OPEN_TO_ALL.items()
    for more, begin in (((), b"{"), (("Expect: 100-continue",), b""))
]


def test_silent_bodies_keep_no_other_client_waiting(portal: Portal, report: Report) -> None:
    """Forms and the API take bodies meanwhile, and those that never come are refused in the end."""
    mine = head("POST", LIST, f"Authorization: Bearer {portal.account.token}", "Content-Length: 9")
    with connected(portal, [*SILENT, mine] * 8) as silent:
        portal.api().call("GET", QUERY)
        PortalClient(portal.server.url).sign_in(portal.account.email)
        body = {"phone_number": "+15559000001", "provider": "twilio"}
        response = portal.api().call("POST", LIST, body)
        by_status = statuses([*silent])
    report("Connections that send no body", tried=len(silent), survived=by_status[408])
    assert response.status == 201
    assert by_status == {408: len(silent)}, by_status


def test_a_body_that_dribbles_or_is_cut_off_is_refused(portal: Portal) -> None:
    """What came of the second would have been good JSON."""
    whole = b'{"email": "dana@acme.example", "password": "' + b"x" * 900
    request = head("POST", "/api/auth/login", f"Content-Type: {JSON}", "Content-Length: 2000")
    with connected(portal, [request]) as (connection,):
        with suppress(ConnectionError):
            for byte in whole:
                connection.sendall(bytes([byte]))
                if select.select([connection], [], [], 0.1)[0]:
                    break
        received = all_of(connection)
    assert received.startswith(b"HTTP/1.1 408 "), received
    refused = json.loads(received.partition(b"\r\n\r\n")[2])
    assert refused["code"] == "REQUEST_TIMEOUT"

    body = b'{"phone_number": "+15559000002", "provider": "twilio"}'
    token = f"Authorization: Bearer {portal.account.token}"
    with connected(portal, [head("POST", LIST, token, "Content-Length: 500") + body]) as (connection,):
        connection.shutdown(socket.SHUT_WR)
        assert not all_of(connection).startswith(b"HTTP/1.1 2")
    response = portal.api().call("GET", f"{LIST}?q=%2B15559000002&limit=1")
    assert response.json() == []


def test_an_anonymous_client_may_send_little(portal: Portal) -> None:
    large = json.dumps({"email": "x" * 20_000, "password": PASSWORD}).encode()
    headers = {"Content-Type": JSON}
    anonymous = ApiClient(portal.server.url, "no token")
    answer = anonymous.send("POST", "/api/auth/login", large, headers)
    assert (answer.status, answer.json()["code"]) == (413, "TOO_LARGE")
    assert anonymous.send("POST", LIST, large, headers).status == 401
    authenticated = portal.api().call("POST", LIST, {"phone_number": "x" * 20_000, "provider": "twilio"})
    assert authenticated.status == 422
    assert portal.api().call("POST", LIST, {"label": "x" * 1_000_001}).status == 413


LONG = pytest.mark.thorough(
    "test_long_response_is_made_as_the_client_takes_it",
    "test_list_that_finds_no_place_as_a_download_is_given_up_early",
    "test_failed_long_response_is_cut_off",
)


@LONG
def test_slow_readers_are_few_and_are_cut_off(filled: Portal, report: Report) -> None:
    request = head("GET", LIST, f"Authorization: Bearer {filled.account.token}")
    with connected(filled, [request] * MANY, buffer=4096) as readers:
        begins = [connection.recv(15, socket.MSG_WAITALL) for connection in readers]
        by_status = Counter(int(STATUS.match(begin + b" ")[1]) for begin in begins)  # type: ignore[index]
        assert by_status == {200: downloads.MOST, 503: MANY - downloads.MOST}
        refused = readers[begins.index(b"HTTP/1.1 503 Se")]
        assert b"\r\nretry-after: " in refused.recv(65_536)
        assert filled.api().call("GET", QUERY).status == 200
        _wait_until(lambda: filled.api().call("GET", LIST).status == 200)
        cut = [
            not all_of(c).endswith(b"\r\n0\r\n\r\n")
            for c, b in zip(readers, begins, strict=True)
            if b" 200" in b
        ]
    report("Connections that do not read", tried=len(cut), survived=sum(cut))
    assert all(cut)
    sizes = [int(by_status) for by_status in SENT.findall(filled.server.output())]
    assert len(sizes) >= len(cut)
    assert max(sizes) <= MADE_FOR_NONE


def count(portal: Portal) -> int:
    """The endpoints that are stored: those of `filled`, and what other tests have added."""
    with closing(sqlite3.connect(portal.server.data / "patchbay.db")) as database:
        total: int = database.execute("SELECT count(*) FROM endpoints").fetchone()[0]
    return total


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@LONG
def test_a_list_is_whole_for_a_client_that_takes_its_time(filled: Portal) -> None:
    connection = HTTPConnection(urlsplit(filled.server.url).netloc, timeout=SECONDS)
    connection.request("GET", LIST, headers={"Authorization": f"Bearer {filled.account.token}"})
    answer, pieces = connection.getresponse(), []
    while piece := answer.read(1_000_000):
        pieces.append(piece)
        time.sleep(0.02)
    connection.close()
    assert len(json.loads(b"".join(pieces))) == count(filled)


@contextmanager
def patient(folder: Path) -> Iterator[Portal]:
    """A server that gives its clients the usual time."""
    with served(folder) as server:
        account = superadmin(server)
        fill(f"sqlite:///{server.data}/patchbay.db", account.slug, ROWS)
        yield Portal(server, account)


@LONG
def test_the_dialer_is_answered_beside_slow_clients(
    filled: Portal, tmp_path: Path, *, full: bool, report: Report
) -> None:
    """40 silent bodies, 40 half-sent headers and 40 slow readers. With `--full` its p95 is compared."""
    if full:
        with patient(tmp_path) as server:
            _compare(server, report)
        return
    with connected(filled, slow(filled), buffer=4096) as connections:
        assert all(connection.recv(15, socket.MSG_WAITALL) for connection in connections[-MANY:])
        answered = len(latencies(filled))
    report("Queries beside 120 slow clients", tried=QUERIES, survived=answered)


def slow(portal: Portal) -> list[bytes]:
    half = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-"
    reading = head("GET", LIST, f"Authorization: Bearer {portal.account.token}")
    return [*(SILENT * 5), *([half] * MANY), *([reading] * MANY)]


def _compare(portal: Portal, report: Report) -> None:
    rounds, worst = 20, []
    for _ in range(rounds):
        quiet = latencies(portal)
        with connected(portal, slow(portal), buffer=4096) as connections:
            assert all(connection.recv(15, socket.MSG_WAITALL) for connection in connections[-MANY:])
            _wait_until(lambda: is_idle(portal.server))
            slowed = latencies(portal)
        worst.append(slowed[P95] / quiet[P95])
    good = sum(ratio <= 1.5 for ratio in worst)
    report("120 slow clients, the dialer's p95 within 1.5 of quiet", tried=rounds, survived=good)
    assert median(worst) <= 1.5, worst


def is_idle(server: Server) -> bool:
    """Whether its workers compute nothing now: the slow readers' lists are made."""
    before = sum(map(processes.cpu_seconds, server.workers()))
    time.sleep(0.2)
    return sum(map(processes.cpu_seconds, server.workers())) - before < 0.05


def latencies(portal: Portal) -> list[float]:
    """Of `QUERIES` queries, sorted."""
    client, durations = portal.api(), []
    for _ in range(QUERIES):
        begin = time.perf_counter()
        assert client.call("GET", QUERY).status == 200
        durations.append(time.perf_counter() - begin)
    return sorted(durations)


def test_threads_are_left_for_the_dialer() -> None:
    """Those that wait for providers are among the others."""
    assert OUTBOUND_LIMITS.total < threads.FOR_OTHERS
    assert threads.FOR_QUERIES > 0
