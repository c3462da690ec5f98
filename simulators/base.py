"""The base of all simulators: one account in memory, checked credentials, and faults on demand."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, quote, urlsplit

from simulators import console
from simulators.console import Action, Row, Table
from simulators.demo import DemoAccount

CANARY = "what-the-provider-wrote"
"""Is in every response body; a test that finds it anywhere else has found a leak."""


class Trouble(StrEnum):
    RATE_LIMITED = "429"
    FAULT = "500"
    HTML = "html"
    REFUSED_IN_HTML = "html with status 401"
    ODD = "json that is something else"
    SLOW = "slow"


@dataclass(frozen=True)
class LoggedRequest:
    """The parts of a request that are kept: none of them may carry a secret."""

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
        found = json.loads(self.body or b"{}")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


PLAIN = {"Content-Type": "text/plain"}
HTML = "<!doctype html><title>Trouble</title><p>" + CANARY
TROUBLES = {
    Trouble.RATE_LIMITED: Reply(429, {"message": CANARY}),
    Trouble.FAULT: Reply(500, {"message": CANARY}),
    Trouble.HTML: Reply(200, HTML),
    Trouble.REFUSED_IN_HTML: Reply(401, HTML),
    Trouble.ODD: Reply(200, [CANARY]),
}


def same(one: str | None, other: str) -> bool:
    return hmac.compare_digest((one or "").encode(), other.encode())


class Simulator:
    """Subclasses declare the provider's label and hosts, their account's values, and how they answer.

    `values` are the account's, by field, and `sample_values` those that it starts with. `demo` is the
    account of the demonstration, and `fill_demo` makes it; a simulator that declares none has its samples.
    `trouble` is how it misbehaves; with `trouble_at`, only on paths that contain it.
    `instead` maps a method and a part of the path to a reply that replaces the normal one.
    `refuses_credentials`: every caller gets 401. `is_off`: connections are closed without a response.
    `gone`: released numbers, which can be restored. `notice`: the console shows it once.
    `token_path`: where a token is requested, with a POST that changes nothing.

    If the provider lists numbers, `numbers` has them by E.164, or `phone_numbers`, `add` and
    `clear_numbers` are overridden; `page_size_cap` limits the rows of a page.
    """

    label: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]]
    sample_values: ClassVar[Mapping[str, str]]
    demo: ClassVar[DemoAccount]
    token_path: ClassVar[str] = ""
    slowness: ClassVar[float] = 2.0

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "sample_values" in vars(cls) and "demo" not in vars(cls):
            cls.demo = DemoAccount(cls.sample_values)

    def __init__(self, port: int = 0) -> None:
        self.values: dict[str, Any] = dict(self.sample_values)
        self.requests: list[LoggedRequest] = []
        self.trouble: Trouble | None = None
        self.trouble_at = ""
        self.instead: dict[tuple[str, str], Reply] = {}
        self.refuses_credentials = False
        self.is_off = False
        self.numbers: dict[str, Any] = {}
        self.page_size_cap = 100
        self.gone: dict[str, Any] = {}
        self.notice = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def phone_numbers(self) -> list[str]:
        """The numbers that carry calls, in the order in which the provider lists them."""
        return list(self.numbers)

    def add(self, phone_number: str) -> Any:
        raise NotImplementedError

    def clear_numbers(self) -> None:
        self.numbers.clear()

    def use_every_field(self) -> None:
        """Changes the account so that listing its numbers reads everything that the provider can send."""

    def fill_demo(self) -> None:
        """Makes the account the one of the demonstration, with its numbers and their faults."""
        self.values = dict(self.demo.credentials)

    def connect_portal(self, address: str) -> None:
        """Sends events to the portal at this address. Does nothing if the provider sends none."""

    def tables(self) -> list[Table]:
        """The tables of its console, with their actions."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Returns method and path of every request that could have changed something."""
        return [
            (request.method, request.path)
            for request in self.requests
            if request.method != "GET" and request.path != self.token_path
        ]

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def base_by_name(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    @property
    def upstreams(self) -> dict[str, str]:
        return dict.fromkeys(self.hosts, self.base)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Returns the account to its initial state; the address stays the same."""
        fresh, server = type(self)(), self._server
        fresh._server.server_close()
        vars(self).clear()
        vars(self).update(vars(fresh), _server=server)

    def reply(self, request: Request) -> Reply:
        self.requests.append(LoggedRequest(request.method, request.host, request.path, request.query))
        is_troubled = self.trouble_at in request.path
        if self.trouble is Trouble.SLOW and is_troubled:
            time.sleep(self.slowness)
        elif self.trouble and is_troubled:
            return TROUBLES[self.trouble]
        for (method, part), reply in self.instead.items():
            if method == request.method and part in request.path:
                return reply
        return self.answer(replace(request, headers=Message()) if self.refuses_credentials else request)

    def is_console(self, request: Request) -> bool:
        """True for a browser on this machine; API calls carry one of the provider's own host names."""
        return request.path == "/" and f"http://{request.host}" in (self.base, self.base_by_name)

    def console(self, request: Request) -> Reply:
        tables = [self._states(), *self.tables()]
        if request.method == "GET":
            notice, self.notice = self.notice, ""
            return Reply(200, console.page(self.label, notice, tables, self.values), console.HEADERS)
        origin, site = (request.headers.get(name) for name in ("Origin", "Sec-Fetch-Site"))
        if origin not in (None, f"http://{request.host}") or site not in (None, "none", "same-origin"):
            return Reply(403, "This form was sent from another page.")
        self.notice = console.apply(tables, request.form)
        return Reply(303, "", {"Location": "/#" + quote(request.form.get("row", ""))})

    def _states(self) -> Table:
        slow = f"Slow: {self.slowness:g} seconds"
        now = "Works normally."
        for is_so, words in (
            (self.trouble is Trouble.SLOW, f"Every response takes {self.slowness:g} seconds."),
            (self.trouble is Trouble.FAULT, "Every request gets status 500."),
            (self.refuses_credentials, "All credentials are refused."),
            (self.is_off, "Connections are closed without a response."),
        ):
            now = words if is_so else now
        actions = [
            Action("Works", self._state()),
            Action("Refuse credentials", self._state(refuses_credentials=True)),
            Action("Status 500", self._state(trouble=Trouble.FAULT)),
            Action(slow, self._state(trouble=Trouble.SLOW)),
            Action("Off", self._state(is_off=True)),
        ]
        return Table("The provider", [Row(self.label, now, actions)])

    def _state(self, **changed: Any) -> Callable[[str], None]:
        working = {"refuses_credentials": False, "trouble": None, "is_off": False}
        return console.setting(self, **working | changed)


def _handler(upstream: Simulator) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            host = (self.headers.get("Host") or "").lower()
            query = dict(parse_qsl(parts.query))
            request = Request(self.command, host, parts.path, query, self.headers, body)
            if upstream.is_console(request):
                self._send(upstream.console(request))
            elif upstream.is_off:
                self.close_connection = True
            else:
                self._send(upstream.reply(request))

        def _send(self, reply: Reply) -> None:
            is_text = isinstance(reply.body, str)
            body = (reply.body if is_text else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            if "Content-Type" not in reply.headers:
                kind = "text/html; charset=utf-8" if is_text else "application/json"
                self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
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
