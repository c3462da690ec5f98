"""A provider on this machine: it checks who calls, has one account in memory, and can misbehave."""

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

GOSSIP = "what-the-provider-wrote"
"""Is in every body, so that a test can see whether one is passed on."""


class Trouble(StrEnum):
    RATE_LIMITED = "429"
    FAULT = "500"
    HTML = "html"
    REFUSED_IN_HTML = "html with status 401"
    ODD = "json that is something else"
    SLOW = "slow"


@dataclass(frozen=True)
class Seen:
    """What is kept of a request: nothing that could have a secret in it."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]


@dataclass(frozen=True)
class Asked(Seen):
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
HTML = "<!doctype html><title>Trouble</title><p>" + GOSSIP
TROUBLES = {
    Trouble.RATE_LIMITED: Reply(429, {"message": GOSSIP}),
    Trouble.FAULT: Reply(500, {"message": GOSSIP}),
    Trouble.HTML: Reply(200, HTML),
    Trouble.REFUSED_IN_HTML: Reply(401, HTML),
    Trouble.ODD: Reply(200, [GOSSIP]),
}


def same(one: str | None, other: str) -> bool:
    return hmac.compare_digest((one or "").encode(), other.encode())


class Upstream:
    """Subclasses say for which hosts they stand, what their account's values are, and how they answer.

    `own` are the account's values, `usual` where nobody chose others.
    `trouble` is what they do instead; with `trouble_at`, only where the path has that in it.
    `instead` has a method and a part of the path to each answer that is given in place of the usual one.
    `knows_nobody`: whoever calls is refused. `is_off`: nobody gets an answer. `gone` are numbers that can
    be given back. `said`: to whoever looks at the console next.
    """

    label: ClassVar[str]
    hosts: ClassVar[tuple[str, ...]]
    usual: ClassVar[Mapping[str, str]]
    slowness: ClassVar[float] = 2.0

    def __init__(self, port: int = 0) -> None:
        self.own = dict(self.usual)
        self.requests: list[Seen] = []
        self.trouble: Trouble | None = None
        self.trouble_at = ""
        self.instead: dict[tuple[str, str], Reply] = {}
        self.knows_nobody = False
        self.is_off = False
        self.gone: dict[str, Any] = {}
        self.said = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def values(self) -> dict[str, Any]:
        """What a connection to this account has in its fields."""
        return dict(self.own)

    def tables(self) -> list[Table]:
        """What its console shows, and what can be done there."""
        raise NotImplementedError

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Method and path of each request that could have changed something."""
        return [(seen.method, seen.path) for seen in self.requests if seen.method != "GET"]

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

    def reply(self, asked: Asked) -> Reply:
        self.requests.append(Seen(asked.method, asked.host, asked.path, asked.query))
        is_troubled = self.trouble_at in asked.path
        if self.trouble is Trouble.SLOW and is_troubled:
            time.sleep(self.slowness)
        elif self.trouble and is_troubled:
            return TROUBLES[self.trouble]
        for (method, part), reply in self.instead.items():
            if method == asked.method and part in asked.path:
                return reply
        return self.answer(replace(asked, headers=Message()) if self.knows_nobody else asked)

    def is_console(self, asked: Asked) -> bool:
        """A browser on this machine opens the front page; who calls the API names an official host."""
        return asked.path == "/" and f"http://{asked.host}" in (self.base, self.base_by_name)

    def console(self, asked: Asked) -> Reply:
        tables = [self._states(), *self.tables()]
        if asked.method == "GET":
            said, self.said = self.said, ""
            return Reply(200, console.page(self.label, said, tables, self.own), console.HEADERS)
        origin, site = (asked.headers.get(name) for name in ("Origin", "Sec-Fetch-Site"))
        if origin not in (None, f"http://{asked.host}") or site not in (None, "none", "same-origin"):
            return Reply(403, "This form was sent from another page.")
        self.said = console.apply(tables, asked.form)
        return Reply(303, "", {"Location": "/#" + quote(asked.form.get("row", ""))})

    def _states(self) -> Table:
        slow = f"Slow: {self.slowness:g} seconds"
        now = "It works."
        for is_so, words in (
            (self.trouble is Trouble.SLOW, f"Every answer takes {self.slowness:g} seconds."),
            (self.trouble is Trouble.FAULT, "Every request is answered with status 500."),
            (self.knows_nobody, "Credentials are refused, whoever calls."),
            (self.is_off, "Nobody gets an answer."),
        ):
            now = words if is_so else now
        actions = [
            Action("Works", self._state()),
            Action("Refuse credentials", self._state(knows_nobody=True)),
            Action("Status 500", self._state(trouble=Trouble.FAULT)),
            Action(slow, self._state(trouble=Trouble.SLOW)),
            Action("Off", self._state(is_off=True)),
        ]
        return Table("The provider", [Row(self.label, now, actions)])

    def _state(self, **changed: Any) -> Callable[[str], None]:
        usual = {"knows_nobody": False, "trouble": None, "is_off": False}
        return console.setting(self, **usual | changed)


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            host = (self.headers.get("Host") or "").lower()
            query = dict(parse_qsl(parts.query))
            asked = Asked(self.command, host, parts.path, query, self.headers, body)
            if upstream.is_console(asked):
                self._send(upstream.console(asked))
            elif upstream.is_off:
                self.close_connection = True
            else:
                self._send(upstream.reply(asked))

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
