"""Cross-origin requests, in process; `tests/browser/test_dialer.py` makes them in a browser."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from flask import Flask

from app import cors, limits
from app.api.operations import OPERATIONS
from app.edge import Edge, threads
from app.edge.environ import LARGEST_HEADERS
from tests.support.cast import assemble, issue

DIALER = "https://dialer.example.com"
PROVIDERS = "/api/calls/providers"
RESOLVE = "/api/settings/endpoints/resolve"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return environment | {"PATCHBAY_CORS_ORIGINS": f"http://localhost:3000, {DIALER}"}


def shared_with(headers: Any) -> tuple[str | None, bool]:
    """The origin that may read the response, and whether caches know that it differs by origin."""
    assert "Access-Control-Allow-Credentials" not in headers
    vary = ",".join(headers.getlist("Vary")).replace(" ", "").split(",")
    return headers.get("Access-Control-Allow-Origin"), "Origin" in vary


def test_responses_of_shared_paths_can_be_read_by_named_origins(app: Flask) -> None:
    token = issue(app, assemble(app).mo).jwt
    bearer = {"Authorization": f"Bearer {token}"}
    client = app.test_client()
    wrong = []
    for method, path, origin, headers, status, expected in [
        ("GET", PROVIDERS, DIALER, bearer, 200, (DIALER, True)),
        ("GET", PROVIDERS, "http://localhost:3000", bearer, 200, ("http://localhost:3000", True)),
        ("GET", "/api/me", DIALER, bearer, 200, (DIALER, True)),
        ("GET", f"{RESOLVE}?phone_number=%2B15551234567", DIALER, bearer, 200, (DIALER, True)),
        ("GET", PROVIDERS, DIALER, {}, 401, (DIALER, True)),
        ("GET", f"{PROVIDERS}/config", DIALER, bearer, 401, (DIALER, True)),
        ("POST", "/api/calls/token", DIALER, bearer, 409, (DIALER, True)),
        ("PUT", PROVIDERS, DIALER, bearer, 405, (DIALER, True)),
        ("GET", "/api/calls/nothing", DIALER, bearer, 404, (DIALER, True)),
        ("GET", PROVIDERS, None, bearer, 200, (None, True)),
        ("GET", PROVIDERS, "https://dialer.example.com.evil.example", bearer, 200, (None, True)),
        ("GET", PROVIDERS, "HTTPS://dialer.example.com", bearer, 200, (None, True)),
        ("GET", PROVIDERS, f"{DIALER},{DIALER}", bearer, 200, (None, True)),
        ("GET", PROVIDERS, "null", bearer, 200, (None, True)),
        ("GET", "/api/settings/endpoints", DIALER, bearer, 403, (None, False)),
        ("GET", "/api/calls", DIALER, bearer, 404, (None, False)),
        ("GET", "/api/openapi.json", DIALER, {}, 200, (None, False)),
        ("GET", "/healthz", DIALER, {}, 200, (None, False)),
        ("GET", "/sign-in", DIALER, {}, 200, (None, False)),
    ]:
        all_headers = headers | ({"Origin": origin} if origin else {})
        answer = client.open(path, method=method, headers=all_headers)
        if (answer.status_code, shared_with(answer.headers)) != (status, expected):
            wrong.append((method, path, origin, answer.status_code, shared_with(answer.headers)))
    assert wrong == []


def test_preflight_needs_no_token_and_lists_the_methods_of_the_path(app: Flask) -> None:
    client = app.test_client()
    wrong = []
    for path, origin, requested, expected in [
        (PROVIDERS, DIALER, "GET", "GET, HEAD"),
        (PROVIDERS, DIALER, "DELETE", "GET, HEAD"),
        (f"{PROVIDERS}/config", DIALER, "POST", "GET, HEAD, POST"),
        ("/api/calls/token", DIALER, "POST", "POST"),
        ("/api/me", DIALER, "GET", "GET, HEAD"),
        (PROVIDERS, "https://other.example", "GET", None),
        (PROVIDERS, DIALER, None, None),
        ("/api/calls/nothing", DIALER, "GET", None),
        ("/api/settings/endpoints", DIALER, "GET", None),
        ("/sign-in", DIALER, "POST", None),
    ]:
        headers = {"Origin": origin} | ({"Access-Control-Request-Method": requested} if requested else {})
        answer = client.open(path, method="OPTIONS", headers=headers)
        methods = answer.headers.get("Access-Control-Allow-Methods")
        if methods != expected or (answer.status_code == 204) is not (expected is not None):
            wrong.append((path, origin, requested, answer.status_code, methods))
        if expected:
            assert shared_with(answer.headers) == (DIALER, True)
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
            assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert wrong == []


def test_shared_paths_are_those_of_dialers_with_the_setting(app: Flask) -> None:
    shared = {operation.path for operation in OPERATIONS if cors.SHARED.fullmatch(operation.path)}
    calls = {operation.path for operation in OPERATIONS if operation.path.startswith("/api/calls/")}
    assert shared == calls | {"/api/me", RESOLVE}

    assert cors.headers_for(frozenset(), DIALER, PROVIDERS) == []


class Requests:
    """Requests to an edge, as granian makes them."""

    def __init__(self, app: Flask) -> None:
        self.edge = Edge(app, limits.limit_of(app))

    async def send(
        self, method: str, path: str, *headers: tuple[bytes, bytes]
    ) -> tuple[int, dict[bytes, bytes]]:
        messages: list[dict[str, Any]] = []
        scope = {
            **{"type": "http", "method": method, "http_version": "1.1", "scheme": "http"},
            **{"path": path, "raw_path": path.encode(), "query_string": b""},
            **{"server": ("127.0.0.1", "1"), "client": ("127.0.0.1", "2")},
            "headers": [(b"host", b"localhost"), (b"origin", DIALER.encode()), *headers],
        }
        await self.edge(scope, self._receive, partial(self._keep, messages))
        return messages[0]["status"], dict(messages[0]["headers"])

    @staticmethod
    async def _receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    @staticmethod
    async def _keep(messages: list[dict[str, Any]], message: dict[str, Any]) -> None:
        messages.append(message)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """In a thread of its own: the browser's loop may be running in this one."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(asyncio.run, work).result()


def test_responses_of_the_edge_can_be_read_too(app: Flask) -> None:
    """Those that Flask never sees: here, too large headers."""
    status, headers = run(Requests(app).send("GET", PROVIDERS, (b"x-a", b"x" * LARGEST_HEADERS)))
    assert status == 431
    assert headers[b"access-control-allow-origin"] == DIALER.encode()
    assert b"Retry-After" in headers[b"access-control-expose-headers"]


def test_dialers_preflight_does_not_wait_for_other_requests(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "FOR_OTHERS", 1)
    begun, released = threading.Event(), threading.Event()

    def hang() -> str:
        begun.set()
        released.wait(30)
        return ""

    app.add_url_rule("/hang", view_func=hang)
    requests = Requests(app)

    async def preflight_meanwhile() -> int:
        other = asyncio.create_task(requests.send("GET", "/hang"))
        await asyncio.to_thread(begun.wait, 30)
        try:
            preflight = requests.send("OPTIONS", PROVIDERS, (b"access-control-request-method", b"GET"))
            return (await asyncio.wait_for(preflight, 20))[0]
        finally:
            released.set()
            await other

    assert run(preflight_meanwhile()) == 204
