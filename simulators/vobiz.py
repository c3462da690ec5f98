from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from app.provider.calls import CallOutcome
from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.calls import CALLER, Call, of_demo
from simulators.console import OTHER_URL, TYPED, Action, Row, Table, gone, moving, setting
from simulators.demo import DemoAccount, DemoEndpoint

AUTH_ID = "MA_SAMPLE01"
TOKEN = "sample-token-of-vobiz"
API = "/api/v1"
ACCOUNT = f"{API}/Account/{AUTH_ID}"
MOST = 100
SHAPES: dict[str, Callable[[str], dict[str, Any]]] = {
    "flat": lambda word: {"error": word, "message": CANARY},
    "nested": lambda word: {
        "status": "error",
        "error": {"code": word.upper(), "message": CANARY, "details": None},
        "timestamp": "2026-01-01T00:00:00Z",
        "requestId": CANARY,
    },
    "with api_id": lambda word: {"api_id": CANARY, "error": word, "message": CANARY},
}


@dataclass
class Number:
    """A number. `application_id` and `trunk_group_id` are empty if it has none."""

    id: str
    application_id: Any = ""
    trunk_group_id: Any = ""
    voice_enabled: Any = True
    is_blocked: Any = False
    tags: Any = None
    account_id: Any = None
    status: Any = "active"
    released_at: Any = None


@dataclass
class Application:
    app_name: Any = "Sample application"
    answer_url: Any = ""
    answer_method: Any = "POST"
    hangup_url: Any = ""
    hangup_method: Any = "POST"
    fallback_answer_url: Any = ""
    enabled: Any = True


class Vobiz(Simulator):
    """One Vobiz account.

    `shape`: the format of errors. `account`: fields that replace those of the account. `is_forbidden`: every
    request gets 403. `numbers` by phone number, `applications` by id. `page_size_cap`: the most rows on a
    page. `writes_plus`: numbers are written with `+`. `moves`: a number can change its application without
    being detached first. `refuses_to_attach`: the applications that accept no number. `hides_calls`: the
    credentials may not read calls. `lists_oldest_first`: the order of calls.
    """

    label = "Vobiz"
    hosts = ("api.vobiz.ai",)
    sample_values = {"auth_id": AUTH_ID, "auth_token": TOKEN}

    demo = DemoAccount(
        credentials={"auth_id": "MA_MERIDIAN1", "auth_token": "sample-vobiz-auth-token-0001"},
        endpoints=(
            DemoEndpoint("+918067654321", "collections", None, "Collections, overflow"),
            DemoEndpoint("+918067654322", "collections", None, "Collections, evenings"),
        ),
        spare={"+918067654399": ""},
        is_tested=True,
    )

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
        self.hides_calls = False
        self.lists_oldest_first = False
        self._made = 0
        shared = self.make(answer_url="https://app.example/calls")
        for phone_number in ("+918055500001", "+918055500002", "+918055500003"):
            self.add(phone_number)
        self.numbers["+918055500001"].application_id = shared
        self.numbers["+918055500002"].application_id = shared

    def add(self, phone_number: str, **more: Any) -> Number:
        number = Number(f"sample-{len(self.numbers) + 1}", **more)
        self.numbers[phone_number] = number
        return number

    def make(self, **application: Any) -> str:
        """Adds an application and returns its id."""
        self._made += 1
        app_id = str(10_000_000 + self._made)
        self.applications[app_id] = Application(**application)
        return app_id

    def fill_demo(self) -> None:
        """Fills the account. The endpoints share one application."""
        super().fill_demo()
        self.account = {"name": "Sample account", "concurrent_calls_limit": 5}
        self.numbers.clear()
        self.applications.clear()
        shared = self.make(app_name="Collections", answer_url=self.demo.endpoints[0].webhook_url("vobiz"))
        for endpoint in self.demo.endpoints:
            self.add(endpoint.phone_number, application_id=shared)
        for phone_number in self.demo.spare:
            self.add(phone_number)
        of_demo(self.calls, self.numbers)

    def tables(self) -> list[Table]:
        rows = [self._number_row(phone_number) for phone_number in self.numbers]
        apps = [self._application_row(app_id) for app_id in self.applications]
        return [
            Table(
                "Phone numbers", rows + gone(self.numbers, self.gone), "Each calls what its application does."
            ),
            Table("Applications", apps, "A change here is one for every number that is attached."),
            self.calls.table(self.numbers),
        ]

    def _number_row(self, phone_number: str) -> Row:
        number = self.numbers[phone_number]
        choices = {"": "no application"}
        choices |= {app_id: f"{app.app_name} ({app_id})" for app_id, app in self.applications.items()}
        now = f"Attached to {choices.get(number.application_id)}"
        if number.trunk_group_id:
            now = "A SIP trunk takes its calls"
        attach = setting(number, application_id=TYPED, trunk_group_id="")
        actions = [
            Action("Attach", attach, value=number.application_id, options=choices),
            Action("A SIP trunk", setting(number, trunk_group_id="sample-trunk")),
            Action("Release the number", moving(self.numbers, phone_number, self.gone)),
        ]
        return Row(phone_number, now, actions)

    def _application_row(self, app_id: str) -> Row:
        application = self.applications[app_id]
        other = "GET" if application.answer_method == "POST" else "POST"
        actions = [
            Action("Save", setting(application, answer_url=TYPED), value=application.answer_url),
            Action("Another URL", setting(application, answer_url=OTHER_URL)),
            Action("No URL", setting(application, answer_url="")),
            Action(f"Method {other}", setting(application, answer_method=other)),
        ]
        now = f"Calls {application.answer_method} {application.answer_url}" * bool(application.answer_url)
        return Row(app_id, now or "Calls nothing", actions, application.app_name)

    def answer(self, request: Request) -> Reply:
        auth_id, token = self.values["auth_id"], self.values["auth_token"]
        is_known = same(request.headers.get("X-Auth-ID"), auth_id)
        if not is_known or not same(request.headers.get("X-Auth-Token"), token):
            return self._error(401, "unauthorized")
        if self.is_forbidden:
            return self._error(403, "forbidden")
        if request.path == f"{API}/auth/me":
            account = {"type": "account", "auth_id": auth_id, "auth_secret": token, "name": CANARY}
            return Reply(200, account | {"enabled": True, "is_active": True} | self.account)
        rest = request.path.removeprefix(f"{API}/Account/{auth_id}")
        if rest == "/cdr":
            return self._error(403, "forbidden") if self.hides_calls else self._list_calls(request)
        if rest == "/numbers" and request.method == "GET":
            return self._list_numbers(request)
        if rest.startswith("/numbers/"):
            return self._number(request, *rest.removeprefix("/numbers/").split("/"))
        if rest == "/Application/":
            return self._list_applications(request) if request.method == "GET" else self._create(request)
        if rest.startswith("/Application/") and rest.endswith("/"):
            return self._application(request, rest.removeprefix("/Application/").removesuffix("/"))
        return self._error(401, "unauthorized")

    def _error(self, status: int, word: str) -> Reply:
        return Reply(status, SHAPES[self.shape](word))

    def _list_numbers(self, request: Request) -> Reply:
        page = int(request.query.get("page", 1))
        size = min(int(request.query.get("per_page", 20)), self.page_size_cap)
        part = request.query.get("search", "")
        rows = [
            {"e164": number if self.writes_plus else number.lstrip("+"), "provider": CANARY} | vars(settings)
            for number, settings in self.numbers.items()
            if part in number
            and (request.query.get("include_subaccounts") != "false" or not self._is_sub(settings))
        ]
        body = {"items": rows[(page - 1) * size : page * size], "page": page, "per_page": size}
        return Reply(200, body | {"total": len(rows)})

    def _list_calls(self, request: Request) -> Reply:
        """Lists ended calls since a day, if both dates are passed, else all."""
        query = request.query
        since = query.get("start_date") if "end_date" in query else None
        calls = self.calls.listed(
            number=query.get("to_number", ""),
            since=datetime.fromisoformat(since).replace(tzinfo=UTC) if since else None,
            inbound=query.get("call_direction") == "inbound",
        )
        calls = [call for call in calls if call.outcome is not CallOutcome.IN_PROGRESS]
        if self.lists_oldest_first:
            calls.reverse()
        page, size = int(query.get("page", 1)), min(int(query.get("per_page", 20)), self.page_size_cap)
        pages = -(-len(calls) // size)
        paging = {
            "page": page,
            "per_page": size,
            "total": len(calls),
            "pages": pages,
            "has_next": page < pages,
        }
        rows = [self._call(call) for call in calls[(page - 1) * size : page * size]]
        body = {"account_id": CANARY, "count": len(rows), "data": rows, "pagination": paging}
        return Reply(200, body | {"summary": {}, "success": True})

    def _call(self, call: Call) -> dict[str, Any]:
        causes = {
            CallOutcome.ANSWERED: ("NORMAL_CLEARING", "Normal Hangup"),
            CallOutcome.NO_ANSWER: ("NO_ANSWER", "No Answer"),
            CallOutcome.BUSY: ("USER_BUSY", "Busy"),
            CallOutcome.CANCELED: ("ORIGINATOR_CANCEL", "Caller Hung Up"),
        }
        cause, name = causes.get(call.outcome, ("NETWORK_OUT_OF_ORDER", "Network Failure"))
        answered = call.at + timedelta(seconds=2) if call.outcome is CallOutcome.ANSWERED else None
        return {
            "uuid": call.id,
            "call_direction": "inbound" if call.is_inbound else "outbound",
            "caller_id_number": CALLER,
            "destination_number": call.number if self.writes_plus else call.number.lstrip("+"),
            "start_time": f"{call.at:%Y-%m-%dT%H:%M:%SZ}",
            "answer_time": f"{answered:%Y-%m-%dT%H:%M:%SZ}" if answered else None,
            "hangup_cause": cause,
            "hangup_cause_name": name,
            "hangup_cause_code": 4000,
            "hangup_source": "Caller",
            "failure_reason": CANARY,
        }

    def _is_sub(self, number: Number) -> bool:
        return number.account_id not in (None, self.values["auth_id"], self.account.get("id"))

    def _number(self, request: Request, written: str, what: str = "") -> Reply:
        """Attaches or assigns a number, including those of sub-accounts."""
        number = self.numbers.get(unquote(written))
        if number is None:
            return self._error(404, "not_found")
        if what == "application":
            return self._attach(request, number)
        if what == "assign":
            number.trunk_group_id = (
                "" if request.method == "DELETE" else request.json.get("trunk_group_id", "")
            )
            return Reply(200, {"message": CANARY})
        return self._error(404, "not_found")

    def _attach(self, request: Request, number: Number) -> Reply:
        app_id = request.json.get("application_id", "")
        if request.method == "DELETE":
            number.application_id = ""
        elif app_id not in self.applications:
            return self._error(404, "not_found")
        elif number.application_id == app_id or (number.application_id and not self.moves):
            return self._error(409, "already_attached")
        elif app_id in self.refuses_to_attach:
            return self._error(422, "unprocessable")
        else:
            number.application_id = app_id
        return Reply(200, {"message": CANARY})

    def _list_applications(self, request: Request) -> Reply:
        limit = min(int(request.query.get("limit", 20)), self.page_size_cap)
        offset = int(request.query.get("offset", 0))
        rows = [
            {"app_id": app_id, "sip_uri": CANARY} | vars(app) for app_id, app in self.applications.items()
        ]
        meta = {"limit": limit, "offset": offset, "next": None, "total_count": len(rows)}
        return Reply(200, {"api_id": CANARY, "meta": meta, "objects": rows[offset : offset + limit]})

    def _create(self, request: Request) -> Reply:
        if not request.json.get("app_name"):
            return self._error(400, "bad_request")
        app_id = self.make(**self._sent(request))
        return Reply(201, {"api_id": CANARY, "app_id": app_id, "message": CANARY})

    def _application(self, request: Request, app_id: str) -> Reply:
        application = self.applications.get(app_id)
        if application is None:
            return self._error(404, "not_found")
        if request.method == "DELETE":
            if any(number.application_id == app_id for number in self.numbers.values()):
                return self._error(409, "conflict")
            del self.applications[app_id]
            return Reply(204, "")
        if request.method == "POST":
            for name, value in self._sent(request).items():
                setattr(application, name, value)
            return Reply(202, {"api_id": CANARY, "message": CANARY})
        return Reply(200, {"app_id": app_id} | vars(application))

    def _sent(self, request: Request) -> dict[str, Any]:
        return {name: request.json[name] for name in vars(Application()) if name in request.json}
