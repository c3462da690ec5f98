from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote, urlencode

from app.provider import Family
from app.provider.calls import CallOutcome
from app.provider.numbers import Reason
from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.calls import CALLER, Call, of_demo
from simulators.console import OTHER_URL, TYPED, Action, Row, Table, gone, moving, setting
from simulators.demo import HARBOR, DemoAccount, DemoEndpoint

API = "/2010-04-01/Accounts/"
TOKEN = "sample-token-of-twilio"
KEY_SECRET = "sample-key-secret-of-twilio"
SERVICES = {
    "messaging.twilio.com": "/v1/Services/",
    "verify.twilio.com": "/v2/Services/",
    "sync.twilio.com": "/v1/Services/",
    "conversations.twilio.com": "/v1/Services/",
    "chat.twilio.com": "/v2/Services/",
    "proxy.twilio.com": "/v1/Services/",
    "trunking.twilio.com": "/v1/Trunks/",
}


REGIONS = {"api.twilio.com": "us1", "api.dublin.ie1.twilio.com": "ie1", "api.sydney.au1.twilio.com": "au1"}
ROUTES = "routes.twilio.com"


def sample_id(prefix: str, number: int = 1) -> str:
    return prefix + str(number).zfill(32)


def error(status: int, code: int) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": CANARY, "more_info": more, "status": status})


UNKNOWN = error(401, 20003)
FOR_LIVE_ONLY = error(403, 20008)
ABSENT = error(404, 20404)


@dataclass
class Number:
    """A number. Its application or trunk takes precedence over `voice_url`; it has at most one of them."""

    sid: str
    friendly_name: Any = "Sample line"
    voice_url: Any = ""
    voice_method: Any = "POST"
    voice_application_sid: Any = ""
    trunk_sid: Any = ""
    capabilities: Any = None
    voice_fallback_url: Any = ""
    voice_fallback_method: Any = "POST"
    status_callback: Any = ""
    status_callback_method: Any = "POST"
    voice_receive_mode: Any = "voice"
    status: Any = "in-use"


@dataclass
class Application:
    voice_url: Any = ""
    voice_method: Any = "POST"
    voice_fallback_url: Any = ""


class Twilio(Simulator):
    """One Twilio account.

    `key_kind`: of the API key: main, standard or restricted. `status`: the account's. `hides_status`: an
    account that is not active gets the error of an unknown one. `answers_for`: the account's SID in the
    response. `account_name`: its friendly name. `type`: Full or Trial. `owner`: its parent, if it is a
    subaccount. `primary_token`: the token that signs webhooks, if it is not the stored one.
    `has_test_credentials`: the credentials are test ones. `hides_calls` and `hides_errors`: the key may not
    read them.

    `numbers` by phone number, `applications` by SID. `subaccounts`: their numbers by SID. `caller_ids`:
    verified numbers of others. `transfers`: the accounts that numbers were transferred to.

    `page_size_cap`: the most rows on a page. `pages_elsewhere`: the next page is on another host. `loops`:
    the next page is the same page.

    `region`: the one that accepts the credentials and has the numbers' settings. `regions`: where numbers are
    answered, if not in us1. `routes`: a reply that replaces the one of the API for that.
    """

    label = "Twilio"
    hosts = (*REGIONS, ROUTES, *SERVICES)
    sample_values = {
        "account_sid": sample_id("AC"),
        "auth_token": TOKEN,
        "api_key_sid": sample_id("SK"),
        "api_key_secret": KEY_SECRET,
        "twiml_app_sid": sample_id("AP"),
        "service_sid": sample_id("MG"),
    }

    demo = DemoAccount(
        credentials={
            "account_sid": "AC" + "de0" * 10 + "00",
            "auth_token": "sample-twilio-auth-token-0001",
            "phone_number": "+14155550100",
        },
        endpoints=(
            DemoEndpoint("+14155550100", "support-agent", None, "Main support line"),
            DemoEndpoint("+14155550101", "billing-agent", "billing-agent", "Billing"),
            DemoEndpoint("+12125550134", "support-agent", "sales-agent", "New York"),
            DemoEndpoint("+13125550166", None, "sales-agent", "Chicago, outbound only"),
            DemoEndpoint("+97235550123", "support-agent", None, "קו תמיכה ראשי"),
            DemoEndpoint("+13105550142", "front-desk", None, "Front desk", HARBOR),
            DemoEndpoint("+13105550143", "front-desk", "recall", "Appointments", HARBOR),
        ),
        spare={"+14155550102": "Spare, San Francisco", "+442079460123": "London office"},
        faults={
            "+12125550134": Reason.DIFFERENT_URL,
            "+97235550123": Reason.APPLICATION_OVERRIDES,
        },
        active_for=(Family.TELEPHONY,),
        is_tested=True,
    )

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.key_kind = "standard"
        self.status = "active"
        self.hides_status = False
        self.answers_for = self.sid
        self.account_name = CANARY
        self.numbers: dict[str, Number] = {}
        self.applications = {sample_id("AP"): Application("https://app.example/calls")}
        self.page_size_cap = 1000
        self.pages_elsewhere = False
        self.loops = False
        self.transfers: list[str] = []
        for phone_number in ("+15551234567", "+15551234568", "+15551234569"):
            self.add(phone_number)
        self.services = {sample_id("MG"): "messaging.twilio.com"}
        self.closed_to = ""
        self.region = "us1"
        self.regions: dict[str, Any] = {}
        self.routes: Reply | None = None
        self.type = "Full"
        self.owner = ""
        self.primary_token = ""
        self.has_test_credentials = False
        self.subaccounts: dict[str, dict[str, Number]] = {}
        self.caller_ids: list[str] = []
        self.hides_calls = False
        self.hides_errors = False

    @property
    def sid(self) -> str:
        return self.values["account_sid"]

    def add(self, phone_number: str, **more: Any) -> Number:
        """Adds a number, which can have voice calls unless `more` replaces its capabilities."""
        can = {"voice": True, "sms": True, "mms": False, "fax": False}
        number = Number(sample_id("PN", len(self.numbers) + 1), **{"capabilities": can} | more)
        self.numbers[phone_number] = number
        return number

    def use_every_field(self) -> None:
        next(iter(self.numbers.values())).voice_application_sid = next(iter(self.applications))

    def fill_demo(self) -> None:
        super().fill_demo()
        self.account_name = "Sample account"
        self.answers_for = self.sid
        self.numbers.clear()
        for endpoint in self.demo.endpoints:
            self.add(
                endpoint.phone_number, friendly_name=endpoint.label, voice_url=endpoint.webhook_url("twilio")
            )
        for phone_number, label in self.demo.spare.items():
            self.add(phone_number, friendly_name=label)
        old_app = sample_id("AP")
        self.applications = {old_app: Application("https://old-dialer.meridian.example/twiml")}
        for phone_number, reason in self.demo.faults.items():
            if reason is Reason.DIFFERENT_URL:
                self.numbers[phone_number].voice_url = OTHER_URL
            else:
                self.numbers[phone_number].voice_application_sid = old_app
        self._add_demo_calls()

    def _add_demo_calls(self) -> None:
        """Adds calls.

        Those to one number failed at its webhook, those to drifted numbers at their former URL.
        """
        faults = self.demo.faults
        healthy = [one for one in self.demo.endpoints if one.inbound and one.phone_number not in faults]
        support, billing, *others = healthy
        of_demo(self.calls, [support.phone_number, *(one.phone_number for one in others)])
        self._fail(billing.phone_number, 11200, billing.webhook_url("twilio"), timedelta(minutes=50))
        for phone_number in faults:
            self._fail(phone_number, 11210, OTHER_URL, timedelta(hours=5))

    def _fail(self, phone_number: str, code: int, url: str, ago: timedelta = timedelta(0)) -> None:
        self.calls.add(phone_number, ago=ago, errors=[(code, url)])

    def tables(self) -> list[Table]:
        rows = [self._number_row(phone_number) for phone_number in self.numbers]
        apps = [self._application_row(sid) for sid in self.applications]
        return [
            Table(
                "Phone numbers",
                rows + gone(self.numbers, self.gone),
                "What each calls when it rings. The buttons below a number break it.",
            ),
            Table(
                "TwiML applications", apps, "One that a number has answers in place of the number's own URL."
            ),
            self.calls.table(self.numbers, self._failures),
        ]

    def _failures(self, phone_number: str) -> list[Action]:
        def fail(code: int, url: str) -> Action:
            return Action(f"Error {code}", lambda _typed: self._fail(phone_number, code, url))

        url = self.numbers[phone_number].voice_url
        return [fail(11200, url), fail(12100, url), fail(99999, url)] if url else []

    def _number_row(self, phone_number: str) -> Row:
        number = self.numbers[phone_number]
        plain = {"voice_application_sid": "", "trunk_sid": "", "voice_method": "POST"}
        other = "GET" if number.voice_method == "POST" else "POST"
        app = next(iter(self.applications), "")
        now = f"{number.voice_method} {number.voice_url}" if number.voice_url else "nothing"
        if number.voice_application_sid:
            now = f"the application {number.voice_application_sid}"
        if number.trunk_sid:
            now = f"the SIP trunk {number.trunk_sid}"
        actions = [
            Action("Save", setting(number, voice_url=TYPED, **plain), value=number.voice_url),
            Action("Another URL", setting(number, voice_url=OTHER_URL, **plain)),
            Action("No URL", setting(number, voice_url="", **plain)),
            Action(f"Method {other}", setting(number, voice_method=other)),
            Action("An application", setting(number, voice_application_sid=app, trunk_sid="")),
            Action("A SIP trunk", setting(number, voice_application_sid="", trunk_sid=sample_id("TK"))),
            Action("Release the number", moving(self.numbers, phone_number, self.gone)),
        ]
        return Row(phone_number, f"Calls {now}", actions, number.friendly_name)

    def _application_row(self, sid: str) -> Row:
        application = self.applications[sid]
        save = Action("Save", setting(application, voice_url=TYPED), value=application.voice_url)
        return Row(sid, f"Calls {application.voice_method} {application.voice_url}", [save])

    def answer(self, request: Request) -> Reply:
        kind = self._credentials_kind(request)
        if not kind or (self.hides_status and self.status != "active"):
            return UNKNOWN
        if self.has_test_credentials:
            return FOR_LIVE_ONLY
        if request.host == ROUTES:
            return self._route(request)
        if request.host in SERVICES:
            return self._service(request)
        if REGIONS[request.host] != self.region:
            return UNKNOWN
        if request.path == f"{API.removesuffix('/')}.json":
            return self._accounts()
        if sid := next((sid for sid in self.subaccounts if request.path.startswith(API + sid)), ""):
            rest = request.path.removeprefix(API + sid)
            return self._numbers(request, rest, self.subaccounts[sid], sid)
        if not request.path.startswith(API + self.sid):
            return UNKNOWN
        rest = request.path.removeprefix(API + self.sid)
        if rest == ".json":
            return self._account() if kind in ("token", "main") else UNKNOWN
        if rest.startswith("/IncomingPhoneNumbers"):
            return self._numbers(request, rest, self.numbers, self.sid) if kind != "restricted" else UNKNOWN
        if rest.endswith(("/Calls.json", "/Notifications.json")):
            return self._history(request, rest)
        return self._other(rest)

    def _other(self, rest: str) -> Reply:
        """Returns the reply about caller IDs and applications."""
        if rest == "/OutgoingCallerIds.json":
            rows = [{"phone_number": number, "sid": CANARY} for number in self.caller_ids]
            return Reply(200, {"outgoing_caller_ids": rows, "next_page_uri": None})
        sid = rest.removeprefix("/Applications/").removesuffix(".json")
        if app := self.applications.get(sid):
            return Reply(200, {"sid": sid, "account_sid": self.sid, "friendly_name": CANARY} | vars(app))
        return ABSENT

    def _credentials_kind(self, request: Request) -> str:
        user, password = request.basic or ("", "")
        if user == self.sid and same(password, self.values["auth_token"]):
            return "token"
        is_key = user == self.values.get("api_key_sid") and same(password, self.values["api_key_secret"])
        return self.key_kind if is_key else ""

    def _account(self) -> Reply:
        account = {
            "sid": self.answers_for,
            "status": self.status,
            "type": self.type,
            "friendly_name": self.account_name,
            "auth_token": self.primary_token or self.values["auth_token"],
            "owner_account_sid": self.owner or self.answers_for,
        }
        return Reply(200, account)

    def _accounts(self) -> Reply:
        rows = [{"sid": sid, "owner_account_sid": self.sid} for sid in (self.sid, *self.subaccounts)]
        return Reply(200, {"accounts": rows, "next_page_uri": None})

    def _route(self, request: Request) -> Reply:
        """Returns the region of a number, which is us1 unless it is routed to another one."""
        if self.routes:
            return self.routes
        phone_number = unquote(request.path.rpartition("/")[2])
        if phone_number not in self.numbers:
            return ABSENT
        route = {"phone_number": phone_number, "account_sid": self.sid, "friendly_name": CANARY}
        return Reply(200, route | {"voice_region": self.regions.get(phone_number, "us1")})

    def _numbers(self, request: Request, rest: str, owned: Mapping[str, Number], account: str) -> Reply:
        if rest == "/IncomingPhoneNumbers.json":
            return self._page(request, owned, account)
        sid = rest.removeprefix("/IncomingPhoneNumbers/").removesuffix(".json")
        for phone_number, number in owned.items():
            if number.sid == sid:
                if request.method == "POST":
                    self._update(number, request.form)
                return Reply(200, self._row(phone_number, number, account))
        return ABSENT

    def _history(self, request: Request, rest: str) -> Reply:
        """Lists calls or errors since a day: hours are ignored."""
        name = "calls" if rest.endswith("/Calls.json") else "notifications"
        if self.hides_calls if name == "calls" else self.hides_errors:
            return error(403, 20403)
        after = request.query.get("StartTime>") or request.query.get("MessageDate>")
        since = datetime.fromisoformat(after).replace(tzinfo=UTC) if after else None
        calls = self.calls.listed(number=request.query.get("To", ""), since=since)
        if name == "calls":
            rows = [self._call(call) for call in calls]
        else:
            sid = rest.split("/")[2] if rest.startswith("/Calls/") else ""
            rows = [row for call in calls for row in self._errors(call) if sid in ("", row["call_sid"])]
        return self._paged(request, name, rows)

    def _call(self, call: Call) -> dict[str, Any]:
        words = {CallOutcome.ANSWERED: "completed", CallOutcome.UNKNOWN: CANARY}
        ends = {"to": call.number, "from": CALLER} if call.is_inbound else {"to": CALLER, "from": call.number}
        return ends | {
            "sid": f"CA{call.id}",
            "direction": "inbound" if call.is_inbound else "outbound-api",
            "status": words.get(call.outcome, call.outcome.replace("_", "-")),
            "start_time": format_datetime(call.at),
            "forwarded_from": CALLER,
            "caller_name": CANARY,
        }

    def _errors(self, call: Call) -> list[dict[str, Any]]:
        fields = {"call_sid": f"CA{call.id}", "log": "0", "message_text": CANARY, "request_method": "POST"}
        at = format_datetime(call.at)
        return [
            fields | {"error_code": str(code), "request_url": url, "message_date": at}
            for code, url in call.errors
        ]

    def _page(self, request: Request, owned: Mapping[str, Number], account: str) -> Reply:
        """Lists the numbers. `PhoneNumber` matches every number that contains it."""
        part = request.query.get("PhoneNumber", "").lstrip("+")
        rows = [self._row(number, settings, account) for number, settings in owned.items() if part in number]
        return self._paged(request, "incoming_phone_numbers", rows)

    def _paged(self, request: Request, name: str, rows: list[dict[str, Any]]) -> Reply:
        size = min(int(request.query.get("PageSize", 50)), self.page_size_cap)
        page = int(request.query.get("Page", 0))
        has_more = len(rows) > (page + 1) * size
        following = {**request.query, "PageSize": str(size), "Page": str(page + (not self.loops))}
        host = "https://elsewhere.example" if self.pages_elsewhere else ""
        return Reply(
            200,
            {
                name: rows[page * size : (page + 1) * size],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{host}{request.path}?{urlencode(following)}" if has_more else None,
                "uri": CANARY,
            },
        )

    def _row(self, phone_number: str, number: Number, account: str) -> dict[str, Any]:
        return {"phone_number": phone_number, "account_sid": account, "identity_sid": CANARY} | vars(number)

    def _update(self, number: Number, form: dict[str, str]) -> None:
        """Sets the submitted fields. An application replaces the trunk, and a trunk the application."""
        names = {
            "VoiceUrl": "voice_url",
            "VoiceMethod": "voice_method",
            "FriendlyName": "friendly_name",
            "VoiceFallbackUrl": "voice_fallback_url",
            "VoiceFallbackMethod": "voice_fallback_method",
            "StatusCallback": "status_callback",
            "StatusCallbackMethod": "status_callback_method",
            "VoiceReceiveMode": "voice_receive_mode",
        }
        for name, attribute in names.items():
            if name in form:
                setattr(number, attribute, form[name])
        if "VoiceApplicationSid" in form:
            number.voice_application_sid = form["VoiceApplicationSid"]
            number.trunk_sid = "" if number.voice_application_sid else number.trunk_sid
        if "TrunkSid" in form:
            number.trunk_sid = form["TrunkSid"]
            number.voice_application_sid = "" if number.trunk_sid else number.voice_application_sid
        if "AccountSid" in form:
            self.transfers.append(form["AccountSid"])

    def _service(self, request: Request) -> Reply:
        if request.host == self.closed_to:
            return UNKNOWN
        sid = request.path.removeprefix(SERVICES.get(request.host, "?"))
        is_here = self.services.get(sid) == request.host
        return Reply(200, {"sid": sid, "friendly_name": CANARY}) if is_here else ABSENT
