from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from app.provider import Family
from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.console import OTHER_URL, TYPED, Action, Row, Table, setting
from simulators.demo import DemoAccount

KEY = "00000000-0000-4000-8000-00000000000a"
SECRET = base64.b64encode(b"sample-of-sinch").decode()
CALLBACKS = "/v1/configuration/callbacks/applications/"
NUMBERS = "/v1/configuration/numbers"
ANOTHER_KEY = "00000000-0000-4000-8000-000000000002"
WINDOW = timedelta(minutes=5)


def error(status: int, code: int) -> Reply:
    return Reply(status, {"errorCode": code, "message": CANARY, "status": status, "reference": CANARY})


def owned(key: str = KEY) -> list[dict[str, str]]:
    """Returns the account's numbers: two on the application, and others that are not on it."""
    return [
        {"number": "+12025550101", "applicationkey": key, "capability": "voice"},
        {"number": "12025550102", "applicationkey": key, "capability": "voice"},
        {"number": "+12025550102", "applicationkey": key, "capability": "sms"},
        {"number": "+12025550103", "capability": "voice"},
        {"number": "12025550104", "applicationkey": ANOTHER_KEY, "capability": "voice"},
        {"number": "+12025550105", "applicationkey": key, "capability": "sms"},
    ]


def _is(entry: dict[str, str], number: str) -> bool:
    return entry["number"].removeprefix("+") == number.removeprefix("+")


class Sinch(Simulator):
    """One Sinch account. `refusal`: status and errorCode of every response.

    `urls` are the application's callbacks, `owned` the numbers of the account.
    """

    label = "Sinch"
    hosts = ("callingapi.sinch.com",)
    sample_values = {"application_key": KEY, "application_secret": SECRET}

    demo = DemoAccount(
        credentials={
            "application_key": "00000000-0000-4000-8000-0000000000d1",
            "application_secret": base64.b64encode(b"sample-sinch-application").decode(),
        },
        spare={"+14165550102": "", "+14165550103": ""},
        dialers={"Priya Raman": "+14165550100", "Jonas Weber": "+14165550101"},
        active_for=(Family.VOICE,),
        because="The dialers in Toronto moved to Sinch",
    )

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.refusal: tuple[int, int] | None = None
        self.urls: dict[str, str] = {"primary": f"https://{CANARY}.example/calls"}
        self.owned = owned()

    @property
    def key(self) -> str:
        return self.values["application_key"]

    @property
    def callback(self) -> str:
        return self.urls.get("primary", "")

    @callback.setter
    def callback(self, url: str) -> None:
        self.urls = {"primary": url} if url else {}

    def fill_demo(self) -> None:
        """Fills the account. The last spare number is on another application."""
        super().fill_demo()
        self.callback = "https://dialer.meridian.example/sinch"
        numbers = (*self.demo.dialers.values(), *self.demo.spare)
        keys = dict.fromkeys(numbers, self.key) | {numbers[-1]: ANOTHER_KEY}
        self.owned = [
            {"number": number, "applicationkey": key, "capability": "voice"} for number, key in keys.items()
        ]

    @property
    def phone_numbers(self) -> list[str]:
        return [f"+{entry['number'].removeprefix('+')}" for entry in self._voice_entries()]

    def add(self, phone_number: str) -> None:
        entry = {"number": phone_number, "applicationkey": self.key, "capability": "voice"}
        self.owned.append(entry)

    def clear_numbers(self) -> None:
        self.owned.clear()

    def tables(self) -> list[Table]:
        actions = [
            Action("Save", setting(self, callback=TYPED), value=self.callback),
            Action("Another URL", setting(self, callback=OTHER_URL)),
            Action("No URL", setting(self, callback="")),
        ]
        now = f"Calls {self.callback or 'nothing'}"
        return [
            Table(
                "The voice application", [Row(self.key, now, actions)], "All of its numbers call the same."
            ),
            Table("Voice numbers", [self._number_row(entry) for entry in self._voice_entries()]),
        ]

    def _number_row(self, entry: dict[str, str]) -> Row:
        is_ours = entry.get("applicationkey") == self.key

        def move(_typed: str) -> None:
            entry["applicationkey"] = ANOTHER_KEY if is_ours else self.key

        label = "Move to another application" if is_ours else "Put on the application"
        now = "On the application" if is_ours else "On another application, or on none"
        return Row(f"+{entry['number'].removeprefix('+')}", now, [Action(label, move)])

    def owner(self, number: str) -> str:
        """Returns the application of a voice number."""
        return next(entry.get("applicationkey", "") for entry in self._voice_entries() if _is(entry, number))

    def answer(self, request: Request) -> Reply:
        if code := self._signature_error(request):
            return error(401, code)
        if self.refusal:
            return error(*self.refusal)
        match request.method, request.path:
            case "GET", path if path == CALLBACKS + self.key:
                return Reply(200, {"url": self.urls, "note": CANARY})
            case "POST", path if path == CALLBACKS + self.key:
                return self._set_urls(request.json)
            case "GET", path if path == NUMBERS:
                return Reply(200, {"numbers": self.owned, "note": CANARY})
            case "POST", path if path == NUMBERS:
                return self._assign(request.json)
        return error(404, 40400)

    def _set_urls(self, payload: dict[str, Any]) -> Reply:
        urls = payload.get("url", {})
        if set(payload) != {"url"} or not set(urls) <= {"primary", "fallback"}:
            return error(400, 40001)
        if not urls.get("primary", "").startswith("https://"):
            return error(400, 40002)
        self.urls = urls
        return Reply(204, "")

    def _assign(self, payload: dict[str, Any]) -> Reply:
        numbers, key, capability = (payload.get(name) for name in ("numbers", "applicationkey", "capability"))
        if not numbers or key != self.key or capability != "voice":
            return error(400, 40001)
        if not all(number.startswith("+") for number in numbers):
            return error(400, 40005)
        entries = [entry for entry in self._voice_entries() for number in numbers if _is(entry, number)]
        if len(entries) != len(numbers):
            return error(404, 40400)
        for entry in entries:
            entry["applicationkey"] = self.key
        return Reply(204, "")

    def _voice_entries(self) -> list[dict[str, str]]:
        return [entry for entry in self.owned if entry["capability"] == "voice"]

    def _signature_error(self, request: Request) -> int:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        key, _, signed = credentials.partition(":")
        if scheme.lower() != "application":
            return 40100
        try:
            timestamp = datetime.fromisoformat(request.headers.get("x-timestamp", ""))
        except ValueError:
            return 40101
        if abs(datetime.now(UTC) - timestamp) > WINDOW:
            return 40105
        if key != self.key:
            return 40107
        return 0 if same(signed, self._signature(request)) else 40102

    def _signature(self, request: Request) -> str:
        digest = hashlib.md5(request.body, usedforsecurity=False).digest()
        lines = (
            request.method,
            base64.b64encode(digest).decode() if request.body else "",
            request.headers.get("Content-Type", ""),
            f"x-timestamp:{request.headers.get('x-timestamp')}",
            request.path,
        )
        mac = hmac.digest(
            base64.b64decode(self.values["application_secret"]), "\n".join(lines).encode(), hashlib.sha256
        )
        return base64.b64encode(mac).decode()
