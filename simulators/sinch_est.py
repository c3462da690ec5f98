from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from app.provider.calls import CallOutcome
from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.calls import CALLER, Call, of_demo
from simulators.console import Action, Row, Table, gone, moving
from simulators.demo import DemoAccount
from simulators.sinch import Sinch

KEY_ID = "00000000-0000-4000-8000-000000000002"
KEY_SECRET = "sample-key-secret-of-sinch"
PROJECT = "00000000-0000-4000-8000-000000000003"
TRUNK = "01" + "0" * 23 + "1"
DOMAIN = "sample.trunk.example"


NUMBER = "+14165550100"
"""The number that is on the trunk from the start."""


def error(status: int, word: str, *, is_wrapped: bool = False) -> Reply:
    said = {"code": status, "status": word, "message": CANARY, "details": []}
    body = {"error": said} if is_wrapped else said
    return Reply(status, body, {"WWW-Authenticate": "Bearer"} if status == 401 else {})


def endpoint(address: Any, **more: Any) -> dict[str, Any]:
    fields = {"id": sample_id(1), "name": CANARY, "address": address, "port": 5060, "transport": "TCP"}
    return fields | {"priority": 1, "enabled": True} | more


def sample_id(number: int) -> str:
    """Returns an id in Sinch's format: 26 letters and digits."""
    return "01" + str(number).zfill(24)


class SinchEst(Simulator):
    """One project with a trunk. `refusal` replaces every response of the API.

    `trunk`: fields that replace those of the trunk. `revoke` ends all tokens. `numbers`: the project's
    numbers, each with the id of its trunk, or "". `wraps_errors`: an error is inside an object `error`.
    `odd_items`: additional items of the first page. `returns_total`: responses have the total. `extra`: items
    that only the total includes. `endpoints`: where the trunk sends calls. `first_page`: the number of the
    first page. `page_size_cap`: the most items on a page.
    """

    label = "Sinch EST"
    token_path = "/oauth2/token"
    hosts = ("auth.sinch.com", "elastic-trunking.api.sinch.com")
    sample_values = {
        "key_id": KEY_ID,
        "key_secret": KEY_SECRET,
        "project_id": PROJECT,
        "trunk_id": TRUNK,
        "trunk_domain": DOMAIN,
    }

    demo = DemoAccount(
        credentials={
            "key_id": "00000000-0000-4000-8000-0000000000d2",
            "key_secret": "sample-sinch-key-secret-0001",
            "project_id": "00000000-0000-4000-8000-0000000000d3",
            "trunk_id": "01" + "0" * 23 + "D",
            "trunk_domain": "meridian.trunk.example",
        },
    )

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.trunk: dict[str, Any] = {}
        self.refusal: Reply | None = None
        self.token_life: Any = 3600
        self.numbers = {NUMBER: TRUNK}
        self.odd_items: list[Any] = []
        self.endpoints: list[dict[str, Any]] = [endpoint("sip.rtc.elevenlabs.io")]
        self.wraps_errors = False
        self.returns_total = True
        self.first_page = 1
        self.page_size_cap = 100
        self.extra = 0
        self._issued = 0
        self._valid_tokens: set[str] = set()

    def fill_demo(self) -> None:
        """Puts all numbers of the Sinch account on the trunk, except the last one."""
        super().fill_demo()
        self.trunk = {"name": "Agents"}
        numbers = (*Sinch.demo.dialers.values(), *Sinch.demo.spare)
        self.numbers = dict.fromkeys(numbers, self.values["trunk_id"]) | {numbers[-1]: ""}
        of_demo(self.calls, self.numbers)

    @property
    def phone_numbers(self) -> list[str]:
        return sorted(self.numbers)

    def add(self, phone_number: str) -> None:
        self.numbers[phone_number] = self.values["trunk_id"]

    def tables(self) -> list[Table]:
        rows = [self._number_row(number) for number in self.numbers]
        return [
            Table("Phone numbers of the project", rows + gone(self.numbers, self.gone)),
            self.calls.table(self.numbers),
        ]

    def _number_row(self, number: str) -> Row:
        trunk = self.values["trunk_id"]
        choices = {trunk: f"the trunk {trunk}", sample_id(9): "another trunk", "": "no trunk"}

        def put(typed: str) -> None:
            self.numbers[number] = typed

        actions = [
            Action("Put on", put, value=self.numbers[number], options=choices),
            Action("Release the number", moving(self.numbers, number, self.gone)),
        ]
        return Row(number, f"On {choices.get(self.numbers[number], 'another trunk')}", actions)

    def revoke(self) -> None:
        self._valid_tokens.clear()

    def answer(self, request: Request) -> Reply:
        return self._token(request) if request.host == "auth.sinch.com" else self._api(request)

    def _token(self, request: Request) -> Reply:
        key, secret = request.basic or ("", "")
        if (request.method, request.path) != ("POST", self.token_path):
            return error(404, "NOT_FOUND")
        if parse_qs(request.body.decode()).get("grant_type") != ["client_credentials"]:
            return Reply(400, {"error": "unsupported_grant_type", "error_description": CANARY})
        if not (same(key, self.values["key_id"]) and same(secret, self.values["key_secret"])):
            return Reply(401, {"error": "invalid_client", "error_description": CANARY})
        self._issued += 1
        token = f"sample-access-token-{self._issued}"
        self._valid_tokens.add(token)
        body = {"access_token": token, "token_type": "bearer", "expires_in": self.token_life, "scope": ""}
        return Reply(200, body)

    def _api(self, request: Request) -> Reply:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._valid_tokens:
            return self._error(401, "UNAUTHENTICATED")
        if self.refusal:
            return self.refusal
        project, trunk = self.values["project_id"], self.values["trunk_id"]
        if not request.path.startswith(f"/v1/projects/{project}/"):
            return self._error(403, "PERMISSION_DENIED")
        path = unquote(request.path.removeprefix(f"/v1/projects/{project}/"))
        if path == f"trunks/{trunk}":
            fields = {"projectId": project, "name": CANARY, "hostName": "sample"}
            return Reply(200, {"id": trunk, "domain": self.values["trunk_domain"]} | fields | self.trunk)
        if path == f"trunks/{trunk}/endpoints":
            return Reply(200, {"endpoints": self.endpoints, "totalItems": len(self.endpoints), "size": 20})
        if path == "calls":
            return self._calls(request.query)
        if path == "phoneNumbers":
            return self._page(request.query)
        number = path.removeprefix("phoneNumbers/")
        if number not in self.numbers:
            return self._error(404, "NOT_FOUND")
        return Reply(200, self._number(number))

    def _error(self, status: int, word: str) -> Reply:
        return error(status, word, is_wrapped=self.wraps_errors)

    def _calls(self, query: Mapping[str, str]) -> Reply:
        """Lists the calls of the last day, or since the requested time."""
        written = query.get("createTime>")
        since = datetime.fromisoformat(written) if written else datetime.now(UTC) - timedelta(days=1)
        calls = self.calls.listed(
            number=query.get("to", ""), since=since, inbound=query.get("direction") == "INBOUND"
        )
        size = min(int(query.get("pageSize", "100")), self.page_size_cap * 10)
        first = (int(query.get("page", "1")) - 1) * size
        body: dict[str, Any] = {"calls": [self._call(call) for call in calls[first:][:size]]}
        return Reply(200, body | ({"totalItems": len(calls)} if self.returns_total else {}))

    def _call(self, call: Call) -> dict[str, Any]:
        words = {CallOutcome.ANSWERED: "COMPLETED", CallOutcome.CANCELED: "CANCEL"}
        return {
            "callId": call.id,
            "to": call.number,
            "from": CALLER,
            "direction": "INBOUND" if call.is_inbound else "OUTBOUND",
            "createTime": f"{call.at:%Y-%m-%dT%H:%M:%SZ}",
            "callResult": words.get(call.outcome, call.outcome.upper()),
            "trunkId": self.values["trunk_id"],
            "projectId": CANARY,
        }

    def _page(self, query: Mapping[str, str]) -> Reply:
        page = int(query.get("page", "1")) - self.first_page
        size = min(int(query.get("size", "100")), self.page_size_cap)
        items = self.odd_items + [self._number(number) for number in sorted(self.numbers)]
        body: dict[str, Any] = {"phoneNumbers": items[max(page, 0) * size :][:size], "size": size}
        if self.returns_total:
            body |= {"totalItems": len(items) + self.extra, "pageNumber": query.get("page")}
        return Reply(200, body)

    def _number(self, number: str) -> dict[str, Any]:
        place = sorted(self.numbers).index(number)
        times = {"createTime": CANARY, "updateTime": CANARY}
        fields = {"id": sample_id(place), "projectId": self.values["project_id"], "countryCode": CANARY}
        return {"phoneNumber": number, "sipTrunkId": self.numbers[number]} | fields | times
