from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.calls import CALLER, Call, of_demo
from simulators.console import Action, Row, Table, gone, moving, setting
from simulators.demo import DemoAccount, DemoEndpoint

SID = "sample1"
KEY = "sample-key-of-exotel"
TOKEN = "sample-token-of-exotel"
INDIA = timezone(timedelta(hours=5, minutes=30))


def flow(app_id: str, sid: str = SID) -> str:
    """Returns the URL of a flow, which is what Exotel stores as a number's URL."""
    return f"http://my.exotel.com/{sid}/exoml/start_voice/{app_id}"


@dataclass
class Number:
    """A number's row; `written` is the number as Exotel writes it."""

    sid: Any
    written: Any
    friendly_name: Any = "Sample ExoPhone"
    voice_url: Any = ""
    country: Any = "IN"
    capabilities: Any = None


class Exotel(Simulator):
    """One Exotel account.

    `region`: the host that accepts the account. `speaks_xml`: errors are XML. `numbers`: by phone number in
    E.164. `page_size_cap`: the most rows on a page. `ignores_paging`: every page is the first one.
    `ignores_direction`: a list of incoming calls has all calls.
    """

    label = "Exotel"
    hosts = ("api.exotel.com", "api.in.exotel.com")
    sample_values = {"account_sid": SID, "api_key": KEY, "api_token": TOKEN}

    demo = DemoAccount(
        credentials={
            "account_sid": "meridian1",
            "api_key": "sample-exotel-api-key-0001",
            "api_token": "sample-exotel-api-token-0001",
            "api_base": "https://api.in.exotel.com",
        },
        endpoints=(
            DemoEndpoint("+918047112345", "collections", "collections", "Collections, Bengaluru"),
            DemoEndpoint("+919876543210", "support-hindi", None, "Support in Hindi"),
        ),
        spare={"+918047112346": "Spare, Bengaluru"},
        is_tested=True,
    )

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.region = "api.exotel.com"
        self.is_suspended = False
        self.speaks_xml = False
        self.numbers: dict[str, Number] = {}
        self.page_size_cap = 50
        self.ignores_paging = False
        self.ignores_direction = False
        self.add("+918055500001", written="08055500001", voice_url=flow("501"))
        self.add("+918055500002", written="08055500002")
        self.add("+918055500003")

    def add(self, phone_number: str, **more: Any) -> Number:
        sid = str(len(self.numbers) + 1).zfill(32)
        can = {"voice": True, "sms": False}
        number = Number(sid, **{"written": phone_number, "capabilities": can} | more)
        self.numbers[phone_number] = number
        return number

    def fill_demo(self) -> None:
        super().fill_demo()
        self.region = "api.in.exotel.com"
        self.numbers.clear()
        labels = {endpoint.phone_number: endpoint.label for endpoint in self.demo.endpoints}
        labels.update(self.demo.spare)
        for phone_number, label in labels.items():
            self.add(phone_number, friendly_name=label, voice_url=flow("501", self.values["account_sid"]))
        of_demo(self.calls, self.numbers)

    def tables(self) -> list[Table]:
        rows = [self._number_row(phone_number) for phone_number in self.numbers]
        text = "Each is assigned to a flow. Exotel's API does not return what a flow calls."
        return [
            Table("ExoPhones", rows + gone(self.numbers, self.gone), text),
            self.calls.table(self.numbers),
        ]

    def _number_row(self, phone_number: str) -> Row:
        number = self.numbers[phone_number]
        actions = [
            Action(f"Flow {app_id}", setting(number, voice_url=flow(app_id, self.values["account_sid"])))
            for app_id in ("501", "502")
        ]
        actions += [
            Action("No flow", setting(number, voice_url="")),
            Action("Release the number", moving(self.numbers, phone_number, self.gone)),
        ]
        return Row(phone_number, number.voice_url or "On no flow", actions, number.friendly_name)

    def answer(self, request: Request) -> Reply:
        key, token = request.basic or ("", "")
        if not (same(key, self.values["api_key"]) and same(token, self.values["api_token"])):
            return self._error(401)
        if request.host != self.region:
            return self._error(404)
        if self.is_suspended:
            return self._error(403)
        if request.path == f"/v1/Accounts/{self.values['account_sid']}/Calls.json":
            return self._calls(request)
        if (
            request.path == f"/v2_beta/Accounts/{self.values['account_sid']}/IncomingPhoneNumbers"
            and request.method == "GET"
        ):
            return self._page(request)
        return self._error(404)

    def _calls(self, request: Request) -> Reply:
        """Lists the calls of at most a month, by default the last one.

        `After` is the index of the first call.
        """
        end = datetime.now(INDIA)
        start = end - timedelta(days=31)
        if written := request.query.get("DateCreated"):
            times = (datetime.fromisoformat(part[4:]) for part in written.split(";"))
            start, end = (time.replace(tzinfo=INDIA) for time in times)
        if end - start > timedelta(days=31):
            return self._error(400)
        calls = self.calls.listed(number=request.query.get("PhoneNumber", ""), since=start)
        calls = [call for call in calls if call.at <= end]
        if request.query.get("Direction") == "inbound" and not self.ignores_direction:
            calls = [call for call in calls if call.is_inbound]
        size = min(int(request.query.get("PageSize", 50)), self.page_size_cap * 2)
        first = int(request.query.get("After", 0))
        following = first + size if first + size < len(calls) else None
        metadata = {
            "PageSize": size,
            "FirstPageUri": CANARY,
            "NextPageUri": f"/v1/Accounts/{CANARY}/Calls.json?After={following}" if following else None,
        }
        rows = [self._call(call) for call in calls[first : first + size]]
        return Reply(200, {"Metadata": metadata, "Calls": rows})

    def _call(self, call: Call) -> dict[str, Any]:
        number = self.numbers.get(call.number)
        return {
            "Sid": call.id,
            "From": CALLER,
            "To": CANARY,
            "PhoneNumberSid": number.written if number else call.number,
            "Direction": "inbound" if call.is_inbound else "outbound-api",
            "Status": {"answered": "completed"}.get(call.outcome, call.outcome.replace("_", "-")),
            "StartTime": f"{call.at.astimezone(INDIA):%Y-%m-%d %H:%M:%S}",
            "RecordingUrl": CANARY,
        }

    def _page(self, request: Request) -> Reply:
        """Lists a page of the numbers. As at Exotel, the addresses of pages lead to another host."""
        size = min(int(request.query.get("PageSize", 50)), self.page_size_cap)
        page = 0 if self.ignores_paging else int(request.query.get("Page", 0))
        rows = [
            {"phone_number": number.written, "region": CANARY} | vars(number)
            for number in self.numbers.values()
        ]
        has_more = len(rows) > (page + 1) * size
        elsewhere = f"http://twilix.exotel.com{request.path}?PageSize={size}&Page="
        return Reply(
            200,
            {
                "page": page,
                "page_size": size,
                "uri": elsewhere + str(page),
                "next_page_uri": elsewhere + str(page + 1) if has_more else None,
                "incoming_phone_numbers": rows[page * size : (page + 1) * size],
            },
        )

    def _error(self, status: int) -> Reply:
        if self.speaks_xml:
            inside = f"<Status>{status}</Status><Message>{CANARY}</Message>"
            return Reply(status, f"<TwilioResponse><RestException>{inside}</RestException></TwilioResponse>")
        return Reply(status, {"RestException": {"Status": status, "Message": CANARY}})
