"""Agent runtimes: real HTTP servers in this process, which log every request and every agent that started."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server

XML = {"Content-Type": "text/xml"}
CONNECT = '<Response><Connect><Stream url="wss://agents.example/live"/></Connect></Response>'


@dataclass
class Got:
    """One request as a runtime got it."""

    method: str
    path: str
    headers: Any
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Said:
    """The response to every request. `seconds`: how long it takes."""

    status: int = 200
    body: str = CONNECT
    headers: dict[str, str] = field(default_factory=lambda: dict(XML))
    waits: threading.Event | None = None


class Runtime:
    """Says the same to every request, or what a function of the request returns."""

    def __init__(self, said: Said | Callable[[Got], Said]) -> None:
        self.said = said
        self.got: list[Got] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Runtime:
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(runtime: Runtime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            got = Got(self.command, self.path, self.headers, body)
            runtime.got.append(got)
            said = runtime.said(got) if callable(runtime.said) else runtime.said
            if said.waits:
                said.waits.wait(10)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body.encode())))
            self.end_headers()
            self.wfile.write(said.body.encode())

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler._serve)
    return Handler


@contextmanager
def wsgi(application: Any, *, forwarded: bool = True) -> Iterator[str]:
    """Serves an application behind a proxy that ends TLS, and yields its base URL."""

    def behind(environ: dict[str, Any], start_response: Any) -> Any:
        more = {"HTTP_X_FORWARDED_PROTO": "https"} if forwarded else {}
        return application(environ | more, start_response)

    class Quiet(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, behind, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
