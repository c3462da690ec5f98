"""A small local web server: the base class of every simulator."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class LoggedRequest:
    """The parts of a request that are logged: none of them may contain a secret."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Request(LoggedRequest):
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def basic(self) -> tuple[str, str] | None:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        return user, password

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> dict[str, Any]:
        parsed = json.loads(self.body or b"{}")
        return parsed if isinstance(parsed, dict) else {}


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Site:
    """Serves requests in threads. Subclasses override `respond`.

    A reply's body is text, a value for JSON, or an iterator of bytes, which is sent until the client closes
    the connection. None instead of a reply closes the connection.
    """

    def __init__(self, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False

    def respond(self, request: Request) -> Reply | None:
        raise NotImplementedError

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_by_name(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def is_own_page(self, request: Request) -> bool:
        """Whether a browser on this machine sent the request; other clients name the simulated host."""
        return f"http://{request.host}" in (self.base, self.base_by_name)


def is_from_another_page(request: Request) -> bool:
    """Whether a page of another origin sent the form."""
    origin, site = (request.headers.get(name) for name in ("Origin", "Sec-Fetch-Site"))
    return origin not in (None, f"http://{request.host}") or site not in (None, "none", "same-origin")


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                # The client ended, or was killed, while it sent the request: RFC 9112, section 8.
                self.close_connection = True
                return
            host = (self.headers.get("Host") or "").lower()
            query = dict(parse_qsl(parts.query))
            reply = site.respond(Request(self.command, host, parts.path, query, self.headers, body))
            if reply is None:
                self.close_connection = True
            else:
                self._send(reply)

        def _send(self, reply: Reply) -> None:
            is_text = isinstance(reply.body, str)
            self.send_response(reply.status)
            if "Content-Type" not in reply.headers:
                kind = "text/html; charset=utf-8" if is_text else "application/json"
                self.send_header("Content-Type", kind)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if isinstance(reply.body, Iterator):
                self.end_headers()
                self.wfile.writelines(reply.body)
                self.close_connection = True
                return
            body = (reply.body if is_text else json.dumps(reply.body)).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._serve)
    return Handler
