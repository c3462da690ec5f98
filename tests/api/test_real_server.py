"""The API as it is really served: what the server in front of the app makes of HTTP."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from app import context, create_app
from app.config import Settings
from app.extensions import db
from app.models import Organization
from app.providers import PROVIDERS
from app.services.providers import credentials
from app.services.scope import Actor, Scope
from devtools.scopes import PASSWORD
from devtools.server import Server
from simulators.elevenlabs.workspace import signed

SECONDS = 20
PATH = "/api/calls/providers"
SAVE = "/api/calls/voice-ai/config"
WEBHOOK_SECRET = "sample-webhook-secret-of-acme"


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    server.flask(
        *("users", "create", "--email", "dana@acme.example", "--name", "Dana"),
        *("--role", "superadmin", "--organization", "Acme Support", "--password-stdin"),
        typed=f"{PASSWORD}\n",
    )
    return server.flask("tokens", "create", "--email", "dana@acme.example")


@contextmanager
def _connected(server: Server) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(urlsplit(server.url).netloc, timeout=SECONDS)
    try:
        yield connection
    finally:
        connection.close()


def _ask(
    connection: HTTPConnection, token: str, method: str = "GET", path: str = PATH, **more: Any
) -> tuple[HTTPResponse, bytes]:
    headers = {"Authorization": f"Bearer {token}"} | more.pop("headers", {})
    connection.request(method, path, headers=headers, **more)
    answer = connection.getresponse()
    return answer, answer.read()


def _raw(server: Server, request: bytes) -> bytes:
    """What comes back until the server has nothing more to say."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as connection:
        connection.sendall(request)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return received


def _refusal(body: bytes) -> dict[str, Any]:
    refused: dict[str, Any] = json.loads(body)
    assert set(refused) == {"success", "error", "code"}
    return refused


def test_connection_is_kept_alive_but_for_bytes_that_are_no_http(server: Server, token: str) -> None:
    assert not _raw(server, b"\x16\x03\x01\x00\xa5hello\r\n\r\n").startswith(b"HTTP/1.1 2")
    with _connected(server) as connection:
        used = set()
        for _ in range(5):
            answer, body = _ask(connection, token)
            assert answer.status == 200
            assert json.loads(body) == {"provider": None, "phoneNumber": None}
            used.add(connection.sock.getsockname())
        answer, _ = _ask(connection, token, "POST", SAVE, body=b"{")
        assert answer.status == 415
        assert _ask(connection, token)[0].status == 200
        used.add(connection.sock.getsockname())
    assert len(used) == 1


def test_get_head_and_304_have_the_same_headers(server: Server, token: str) -> None:
    with _connected(server) as connection:
        answer, _ = _ask(connection, token)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in (answer.headers["Vary"] or "")
    assert answer.headers["Access-Control-Allow-Origin"] is None

    with _connected(server) as connection:
        for path in (PATH, "/api/settings/endpoints", "/api/settings/telephony"):
            got, _ = _ask(connection, token, "GET", path)
            head, body = _ask(connection, token, "HEAD", path)
            assert (head.status, body) == (200, b"")
            assert head.headers["ETag"] == got.headers["ETag"]
            assert head.headers["Content-Type"] == got.headers["Content-Type"]
        assert _ask(connection, token)[0].status == 200

    with _connected(server) as connection:
        for path in (PATH, "/api/settings/endpoints"):
            tag = _ask(connection, token, "GET", path)[0].headers["ETag"]
            answer, body = _ask(connection, token, "GET", path, headers={"If-None-Match": tag})
            assert (answer.status, body) == (304, b"")


def test_bodies_are_read_up_to_their_limit_unless_compressed(server: Server, token: str) -> None:
    """In chunks too, as .NET and Spring send JSON. Events of calls have a limit of their own."""
    kind = {"Content-Type": "application/json"}
    with _connected(server) as connection:
        answer, body = _ask(connection, token, "POST", SAVE, body=b" " * 1_000_001, headers=kind)
    assert answer.status == 413
    assert _refusal(body)["code"] == "TOO_LARGE"

    kind = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    with _connected(server) as connection:
        answer, body = _ask(connection, token, "POST", SAVE, body=gzip.compress(b"{}"), headers=kind)
    assert answer.status == 415
    assert _refusal(body)["code"] == "UNSUPPORTED_MEDIA_TYPE"

    kind = {"Content-Type": "application/json"}
    with _connected(server) as connection:
        answer, _ = _ask(connection, token, "POST", SAVE, body=b"\xef\xbb\xbf{}", headers=kind)
    assert answer.status == 200

    payload = json.dumps({"email": "dana@acme.example", "password": PASSWORD}).encode()
    kind = {"Content-Type": "application/json"}
    received = _raw(server, _chunked("/api/auth/login", kind, payload))
    assert received.startswith(b"HTTP/1.1 200 "), received[:500]
    assert json.loads(received.split(b"\r\n\r\n")[1])["token"]

    # An empty one is no body; one that is compressed on its way is 415, as with a Content-Encoding.
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    verify = "/api/settings/providers/twilio/verify"
    assert _raw(server, _chunked(verify, headers, b"")).startswith(b"HTTP/1.1 200 ")
    compressed = _chunked(SAVE, headers, gzip.compress(b"{}")).replace(b": chunked", b": gzip, chunked")
    assert _raw(server, compressed).startswith(b"HTTP/1.1 415 ")

    path = _webhook(server)
    for size, status in ((1000, 200), (2_000_000, 200), (2_000_001, 413)):
        event = b'{"type":"post_call_audio","data":"' + b"x" * (size - 36) + b'"}'
        body, headers = signed(event, WEBHOOK_SECRET)
        assert len(body) == size
        received = _raw(server, _chunked(path, headers, body))
        assert received.startswith(b"HTTP/1.1 %d " % status), received[:500]


SPELLINGS = {"/api": 404, "/api/": 404, "///api": 404, "//api/calls/providers": 200, "/api//calls": 404}


def test_every_spelling_of_a_path_gets_json_and_an_id_of_its_own(server: Server, token: str) -> None:
    """The edge's own responses, static files and pages have an id too; a 500 shows it."""
    with _connected(server) as connection:
        for path, status in SPELLINGS.items():
            answer, body = _ask(connection, token, path=path)
            assert (answer.status, isinstance(json.loads(body), dict)) == (status, True), path
            assert answer.headers["Content-Type"] == "application/json; charset=utf-8", path
            assert "Set-Cookie" not in answer.headers, path
    request_ids = set()
    paths = (PATH, PATH, "/api/unknown", "/api/calls/providers?x=1", f"/{'x' * 9000}", f"/api/{'x' * 9000}")
    with _connected(server) as connection:
        for path in (*paths, "/sign-in", "/static/0/patchbay.js", "/healthz", "/unknown", SAVE):
            for method in ("GET", "HEAD", "POST"):
                answer, _ = _ask(connection, token, method, path, headers={"X-Request-Id": "of-the-client"})
                assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"]), (method, path)
                request_ids.add(answer.headers["X-Request-Id"])
    assert len(request_ids) == 3 * (len(paths) + 5)


def _webhook(server: Server) -> str:
    """Acme's address for events of calls, with a secret in its place."""
    app = create_app(Settings.from_environment(server.environment))
    with app.app_context():
        session = context.session()
        organization = session.scalars(select(Organization)).one()
        scope = Scope(session, organization, Actor(name="tests"), context.keys())
        credentials.save(scope, PROVIDERS["elevenlabs"], {"webhook_secret": WEBHOOK_SECRET})
        db.engine.dispose()
        return f"/api/webhook/elevenlabs/{organization.id}"


def _chunked(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Returns the whole request, so that the response cannot come before its end is sent."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    start = (f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", "Transfer-Encoding: chunked")
    head = "\r\n".join([*start, *lines, "", ""]).encode()
    pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_log_has_no_failures_and_no_token(server: Server, token: str) -> None:
    output = server.output()
    assert "request.failed" not in output
    assert "Traceback" not in output
    assert token not in output
