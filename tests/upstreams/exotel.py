from __future__ import annotations

from typing import Any

from tests.upstreams.base import GOSSIP, Asked, Reply, Upstream, same

SID = "madeup1"
KEY = "made-up-key-of-exotel"
TOKEN = "made-up-token-of-exotel"


class Exotel(Upstream):
    """`region`: the host that knows the account. `is_suspended`. `speaks_xml`: in errors."""

    hosts = ("api.exotel.com", "api.in.exotel.com")

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.region = "api.exotel.com"
        self.is_suspended = False
        self.speaks_xml = False

    @property
    def values(self) -> dict[str, Any]:
        return {"account_sid": SID, "api_key": KEY, "api_token": TOKEN}

    def answer(self, asked: Asked) -> Reply:
        key, token = asked.basic or ("", "")
        if not (same(key, KEY) and same(token, TOKEN)):
            return self._error(401)
        if asked.host != self.region or asked.path != f"/v1/Accounts/{SID}/Calls.json":
            return self._error(404)
        if self.is_suspended:
            return self._error(403)
        return Reply(200, {"Metadata": {"PageSize": 1, "Uri": GOSSIP}, "Calls": []})

    def _error(self, status: int) -> Reply:
        if self.speaks_xml:
            inside = f"<Status>{status}</Status><Message>{GOSSIP}</Message>"
            return Reply(status, f"<TwilioResponse><RestException>{inside}</RestException></TwilioResponse>")
        return Reply(status, {"RestException": {"Status": status, "Message": GOSSIP}})
