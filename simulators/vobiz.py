from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from simulators.base import GOSSIP, Asked, Reply, Upstream, same
from simulators.console import ELSEWHERE, TYPED, Action, Row, Table, gone, setting, taking

AUTH_ID = "MA_MADEUP01"
TOKEN = "made-up-token-of-vobiz"
API = "/api/v1"
ACCOUNT = f"{API}/Account/{AUTH_ID}"
MOST = 100
SHAPES: dict[str, Callable[[str], dict[str, Any]]] = {
    "flat": lambda word: {"error": word, "message": GOSSIP},
    "nested": lambda word: {
        "status": "error",
        "error": {"code": word.upper(), "message": GOSSIP, "details": None},
        "timestamp": "2026-01-01T00:00:00Z",
        "requestId": GOSSIP,
    },
    "with api_id": lambda word: {"api_id": GOSSIP, "error": word, "message": GOSSIP},
}


@dataclass
class Number:
    """`application_id` is empty where it is attached to none; `trunk_group_id` the same."""

    id: str
    application_id: Any = ""
    trunk_group_id: Any = ""
    voice_enabled: Any = True
    is_blocked: Any = False
    tags: Any = None


@dataclass
class Application:
    app_name: Any = "Made-up application"
    answer_url: Any = ""
    answer_method: Any = "POST"


class Vobiz(Upstream):
    """`shape`: of errors. `account`: changes to what it says of itself. `is_forbidden`: 403.

    `numbers` by phone number, `applications` by id. `page_size_cap`: rows on a page, at most.
    `writes_plus`: whether numbers are told with it. `moves`: whether a number goes from one application
    to another without being detached first. `refuses_to_attach`: the applications that take no number.
    """

    label = "Vobiz"
    hosts = ("api.vobiz.ai",)
    usual = {"auth_id": AUTH_ID, "auth_token": TOKEN}

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.shape = "flat"
        self.account: dict[str, Any] = {}
        self.is_forbidden = False
        self.numbers: dict[str, Number] = {}
        self.applications: dict[str, Application] = {}
        self.page_size_cap = MOST
        self.writes_plus = True
        self.moves = True
        self.refuses_to_attach: Container[str] = ()
        self._made = 0
        shared = self.make(answer_url="https://app.example/calls")
        for phone_number in ("+918055500001", "+918055500002", "+918055500003"):
            self.add(phone_number)
        self.numbers["+918055500001"].application_id = shared
        self.numbers["+918055500002"].application_id = shared

    def add(self, phone_number: str, **more: Any) -> Number:
        number = Number(f"made-up-{len(self.numbers) + 1}", **more)
        self.numbers[phone_number] = number
        return number

    def make(self, **application: Any) -> str:
        """The id of a new application."""
        self._made += 1
        app_id = str(10_000_000 + self._made)
        self.applications[app_id] = Application(**application)
        return app_id

    def tables(self) -> list[Table]:
        rows = [self._shown(phone_number) for phone_number in self.numbers]
        apps = [self._shown_application(app_id) for app_id in self.applications]
        return [
            Table(
                "Phone numbers", rows + gone(self.numbers, self.gone), "Each calls what its application does."
            ),
            Table("Applications", apps, "A change here is one for every number that is attached."),
        ]

    def _shown(self, phone_number: str) -> Row:
        number = self.numbers[phone_number]
        choices = {"": "no application"}
        choices |= {app_id: f"{app.app_name} ({app_id})" for app_id, app in self.applications.items()}
        now = f"Attached to {choices.get(number.application_id)}"
        if number.trunk_group_id:
            now = "A SIP trunk takes its calls"
        attach = setting(number, application_id=TYPED, trunk_group_id="")
        actions = [
            Action("Attach", attach, value=number.application_id, options=choices),
            Action("A SIP trunk", setting(number, trunk_group_id="made-up-trunk")),
            Action("Release the number", taking(self.numbers, phone_number, self.gone)),
        ]
        return Row(phone_number, now, actions)

    def _shown_application(self, app_id: str) -> Row:
        application = self.applications[app_id]
        other = "GET" if application.answer_method == "POST" else "POST"
        actions = [
            Action("Save", setting(application, answer_url=TYPED), value=application.answer_url),
            Action("Another URL", setting(application, answer_url=ELSEWHERE)),
            Action("No URL", setting(application, answer_url="")),
            Action(f"Method {other}", setting(application, answer_method=other)),
        ]
        now = f"Calls {application.answer_method} {application.answer_url}" * bool(application.answer_url)
        return Row(app_id, now or "Calls nothing", actions, application.app_name)

    def answer(self, asked: Asked) -> Reply:
        auth_id, token = self.own["auth_id"], self.own["auth_token"]
        is_known = same(asked.headers.get("X-Auth-ID"), auth_id)
        if not is_known or not same(asked.headers.get("X-Auth-Token"), token):
            return self._error(401, "unauthorized")
        if self.is_forbidden:
            return self._error(403, "forbidden")
        if asked.path == f"{API}/auth/me":
            known = {"type": "account", "auth_id": auth_id, "auth_secret": token, "name": GOSSIP}
            return Reply(200, known | {"enabled": True, "is_active": True} | self.account)
        rest = asked.path.removeprefix(f"{API}/Account/{auth_id}")
        if rest == "/numbers" and asked.method == "GET":
            return self._list_numbers(asked)
        if rest.startswith("/numbers/"):
            return self._number(asked, *rest.removeprefix("/numbers/").split("/"))
        if rest == "/Application/":
            return self._list_applications(asked) if asked.method == "GET" else self._create(asked)
        if rest.startswith("/Application/") and rest.endswith("/"):
            return self._application(asked, rest.removeprefix("/Application/").removesuffix("/"))
        return self._error(401, "unauthorized")

    def _error(self, status: int, word: str) -> Reply:
        return Reply(status, SHAPES[self.shape](word))

    def _list_numbers(self, asked: Asked) -> Reply:
        page = int(asked.query.get("page", 1))
        size = min(int(asked.query.get("per_page", 20)), self.page_size_cap)
        part = asked.query.get("search", "")
        rows = [
            {"e164": number if self.writes_plus else number.lstrip("+"), "provider": GOSSIP} | vars(found)
            for number, found in self.numbers.items()
            if part in number
        ]
        body = {"items": rows[(page - 1) * size : page * size], "page": page, "per_page": size}
        return Reply(200, body | {"total": len(rows)})

    def _number(self, asked: Asked, written: str, what: str = "") -> Reply:
        number = self.numbers.get(unquote(written))
        if number is None:
            return self._error(404, "not_found")
        if what == "application":
            return self._attach(asked, number)
        if what == "assign":
            number.trunk_group_id = "" if asked.method == "DELETE" else asked.json.get("trunk_group_id", "")
            return Reply(200, {"message": GOSSIP})
        return self._error(404, "not_found")

    def _attach(self, asked: Asked, number: Number) -> Reply:
        app_id = asked.json.get("application_id", "")
        if asked.method == "DELETE":
            number.application_id = ""
        elif app_id not in self.applications:
            return self._error(404, "not_found")
        elif number.application_id == app_id or (number.application_id and not self.moves):
            return self._error(409, "already_attached")
        elif app_id in self.refuses_to_attach:
            return self._error(422, "unprocessable")
        else:
            number.application_id = app_id
        return Reply(200, {"message": GOSSIP})

    def _list_applications(self, asked: Asked) -> Reply:
        limit = min(int(asked.query.get("limit", 20)), self.page_size_cap)
        offset = int(asked.query.get("offset", 0))
        rows = [
            {"app_id": app_id, "sip_uri": GOSSIP} | vars(app) for app_id, app in self.applications.items()
        ]
        meta = {"limit": limit, "offset": offset, "next": None, "total_count": len(rows)}
        return Reply(200, {"api_id": GOSSIP, "meta": meta, "objects": rows[offset : offset + limit]})

    def _create(self, asked: Asked) -> Reply:
        if not asked.json.get("app_name"):
            return self._error(400, "bad_request")
        app_id = self.make(**self._sent(asked))
        return Reply(201, {"api_id": GOSSIP, "app_id": app_id, "message": GOSSIP})

    def _application(self, asked: Asked, app_id: str) -> Reply:
        application = self.applications.get(app_id)
        if application is None:
            return self._error(404, "not_found")
        if asked.method == "DELETE":
            if any(number.application_id == app_id for number in self.numbers.values()):
                return self._error(409, "conflict")
            del self.applications[app_id]
            return Reply(204, "")
        if asked.method == "POST":
            for name, value in self._sent(asked).items():
                setattr(application, name, value)
            return Reply(202, {"api_id": GOSSIP, "message": GOSSIP})
        return Reply(200, {"app_id": app_id} | vars(application))

    def _sent(self, asked: Asked) -> dict[str, Any]:
        return {name: asked.json[name] for name in vars(Application()) if name in asked.json}
