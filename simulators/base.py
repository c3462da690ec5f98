"""The base class of all simulators: one account in memory, checked credentials, and faults on demand."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.message import Message
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import quote

from simulators import console
from simulators.calls import Calls
from simulators.console import Action, Row, Table
from simulators.demo import DemoAccount
from simulators.site import LoggedRequest, Reply, Request, Site, is_from_another_page

__all__ = [
    "CANARY",
    "HTML",
    "PLAIN",
    "TROUBLES",
    "LoggedRequest",
    "Reply",
    "Request",
    "Simulator",
    "Trouble",
    "same",
]

CANARY = "what-the-provider-wrote"
"""A text in every response body: if a test finds it anywhere else, provider text has leaked."""


class Trouble(StrEnum):
    RATE_LIMITED = "429"
    FAULT = "500"
    HTML = "html"
    REFUSED_IN_HTML = "html with status 401"
    ODD = "json that is something else"
    SLOW = "slow"


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


class Simulator(Site):
    """Subclasses declare the provider's label and hosts, their account's values, and how they respond.

    `values` are the account's values by field, `sample_values` the initial ones. `fill_demo` replaces the
    account with `demo`, the one of the demo data, which is by default the sample account. `trouble` is a
    fault of every response; with `trouble_at`, only on paths that contain it. `instead` maps a method and a
    part of the path to a reply that replaces the normal one. `refuses_credentials`: every caller gets 401.
    `is_off`: connections are closed without a response. `calls`: the account's calls. `gone`: released
    numbers, which can be restored. `notice`: a message that the console shows once. `token_path`: the path of
    a token request, a POST that changes nothing.

    If the provider lists numbers, `numbers` has them by E.164, or the subclass overrides `phone_numbers`,
    `add` and `clear_numbers`; `page_size_cap` limits the rows of a page.
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
        super().__init__(port)
        self.values: dict[str, Any] = dict(self.sample_values)
        self.requests: list[LoggedRequest] = []
        self._arrival = threading.Condition()
        self.trouble: Trouble | None = None
        self.trouble_at = ""
        self.instead: dict[tuple[str, str], Reply] = {}
        self.refuses_credentials = False
        self.is_off = False
        self.numbers: dict[str, Any] = {}
        self.page_size_cap = 100
        self.gone: dict[str, Any] = {}
        self.calls = Calls()
        self.notice = ""

    @property
    def phone_numbers(self) -> list[str]:
        """The numbers that can have calls, in the order of the provider's list."""
        return list(self.numbers)

    def add(self, phone_number: str) -> Any:
        raise NotImplementedError

    def clear_numbers(self) -> None:
        self.numbers.clear()

    def use_every_field(self) -> None:
        """Changes the account so that its list of numbers has every field that can occur."""

    def fill_demo(self) -> None:
        """Replaces the account with the one of the demo data, with its numbers and their faults."""
        self.values = dict(self.demo.credentials)

    def connect_portal(self, address: str) -> None:
        """Directs events to the portal at this address. Does nothing if the provider sends none."""

    def tables(self) -> list[Table]:
        """Returns the tables of the console, with their actions."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The method and path of every request that could have changed something."""
        return [
            (request.method, request.path)
            for request in self.requests
            if request.method != "GET" and request.path != self.token_path
        ]

    def wait_for_request(self, seconds: float = 20.0) -> None:
        """Waits for a request, whose client may no longer wait. Raises TimeoutError."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: self.requests, seconds):
                raise TimeoutError("No request arrived.")

    @property
    def upstreams(self) -> dict[str, str]:
        return dict.fromkeys(self.hosts, self.base)

    def reset(self) -> None:
        """Restores the initial state of the account; the address stays the same."""
        fresh, server = type(self)(), self._server
        fresh._server.server_close()
        vars(self).clear()
        vars(self).update(vars(fresh), _server=server)

    def reply(self, request: Request) -> Reply:
        with self._arrival:
            self.requests.append(LoggedRequest(request.method, request.host, request.path, request.query))
            self._arrival.notify_all()
        is_troubled = self.trouble_at in request.path
        if self.trouble is Trouble.SLOW and is_troubled:
            time.sleep(self.slowness)
        elif self.trouble and is_troubled:
            return TROUBLES[self.trouble]
        for (method, part), reply in self.instead.items():
            if method == request.method and part in request.path:
                return reply
        return self.answer(replace(request, headers=Message()) if self.refuses_credentials else request)

    def respond(self, request: Request) -> Reply | None:
        if request.path == "/" and self.is_own_page(request):
            return self.console(request)
        return None if self.is_off else self.reply(request)

    def console(self, request: Request) -> Reply:
        tables = [self._states(), *self.tables()]
        if request.method == "GET":
            notice, self.notice = self.notice, ""
            return Reply(200, console.page(self.label, notice, tables, self.values), console.HEADERS)
        if is_from_another_page(request):
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
