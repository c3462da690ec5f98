from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulators.base import GOSSIP, Asked, Reply, Upstream, same
from simulators.console import Action, Row, Table, gone, setting, taking

SID = "madeup1"
KEY = "made-up-key-of-exotel"
TOKEN = "made-up-token-of-exotel"


def flow(app_id: str, sid: str = SID) -> str:
    """What a number's URL is: a flow of Exotel's own."""
    return f"http://my.exotel.com/{sid}/exoml/start_voice/{app_id}"


@dataclass
class Number:
    """`written`: the number as Exotel writes it."""

    sid: Any
    written: Any
    friendly_name: Any = "Made-up ExoPhone"
    voice_url: Any = ""
    country: Any = "IN"
    capabilities: Any = None


class Exotel(Upstream):
    """`region`: the host that knows the account. `is_suspended`. `speaks_xml`: in errors.

    `numbers` by phone number in E.164. `page_size_cap`: rows on a page, at most. `ignores_paging`: every
    page is the first one.
    """

    label = "Exotel"
    hosts = ("api.exotel.com", "api.in.exotel.com")
    usual = {"account_sid": SID, "api_key": KEY, "api_token": TOKEN}

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.region = "api.exotel.com"
        self.is_suspended = False
        self.speaks_xml = False
        self.numbers: dict[str, Number] = {}
        self.page_size_cap = 50
        self.ignores_paging = False
        self.add("+918055500001", written="08055500001", voice_url=flow("501"))
        self.add("+918055500002", written="08055500002")
        self.add("+918055500003")

    def add(self, phone_number: str, **more: Any) -> Number:
        sid = str(len(self.numbers) + 1).zfill(32)
        can = {"voice": True, "sms": False}
        number = Number(sid, **{"written": phone_number, "capabilities": can} | more)
        self.numbers[phone_number] = number
        return number

    def tables(self) -> list[Table]:
        rows = [self._shown(phone_number) for phone_number in self.numbers]
        text = (
            "Each is assigned to a flow. What a flow calls is not in Exotel's API: nobody outside can tell."
        )
        return [Table("ExoPhones", rows + gone(self.numbers, self.gone), text)]

    def _shown(self, phone_number: str) -> Row:
        number = self.numbers[phone_number]
        actions = [
            Action(f"Flow {app_id}", setting(number, voice_url=flow(app_id, self.own["account_sid"])))
            for app_id in ("501", "502")
        ]
        actions += [
            Action("No flow", setting(number, voice_url="")),
            Action("Release the number", taking(self.numbers, phone_number, self.gone)),
        ]
        return Row(phone_number, number.voice_url or "On no flow", actions, number.friendly_name)

    def answer(self, asked: Asked) -> Reply:
        key, token = asked.basic or ("", "")
        if not (same(key, self.own["api_key"]) and same(token, self.own["api_token"])):
            return self._error(401)
        if asked.host != self.region:
            return self._error(404)
        if self.is_suspended:
            return self._error(403)
        if asked.path == f"/v1/Accounts/{self.own['account_sid']}/Calls.json":
            return Reply(200, {"Metadata": {"PageSize": 1, "Uri": GOSSIP}, "Calls": []})
        if (
            asked.path == f"/v2_beta/Accounts/{self.own['account_sid']}/IncomingPhoneNumbers"
            and asked.method == "GET"
        ):
            return self._page(asked)
        return self._error(404)

    def _page(self, asked: Asked) -> Reply:
        """The addresses of its pages lead to another host."""
        size = min(int(asked.query.get("PageSize", 50)), self.page_size_cap)
        page = 0 if self.ignores_paging else int(asked.query.get("Page", 0))
        rows = [
            {"phone_number": number.written, "region": GOSSIP} | vars(number)
            for number in self.numbers.values()
        ]
        has_more = len(rows) > (page + 1) * size
        elsewhere = f"http://twilix.exotel.com{asked.path}?PageSize={size}&Page="
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
            inside = f"<Status>{status}</Status><Message>{GOSSIP}</Message>"
            return Reply(status, f"<TwilioResponse><RestException>{inside}</RestException></TwilioResponse>")
        return Reply(status, {"RestException": {"Status": status, "Message": GOSSIP}})
