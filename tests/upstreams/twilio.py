from __future__ import annotations

from typing import Any

from tests.upstreams.base import GOSSIP, Asked, Reply, Upstream, same

API = "/2010-04-01/Accounts/"
TOKEN = "made-up-token-of-twilio"
KEY_SECRET = "made-up-key-secret-of-twilio"
SERVICES = {
    "messaging.twilio.com": "/v1/Services/",
    "verify.twilio.com": "/v2/Services/",
    "sync.twilio.com": "/v1/Services/",
    "conversations.twilio.com": "/v1/Services/",
    "chat.twilio.com": "/v2/Services/",
    "proxy.twilio.com": "/v1/Services/",
    "trunking.twilio.com": "/v1/Trunks/",
}


def made_up(prefix: str, number: int = 1) -> str:
    return prefix + str(number).zfill(32)


def error(status: int, code: int) -> Reply:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Reply(status, {"code": code, "message": GOSSIP, "more_info": more, "status": status})


UNKNOWN = error(401, 20003)
ABSENT = error(404, 20404)


class Twilio(Upstream):
    """`key_kind`: main, standard or restricted. `status`: of the account; while `hides_status`, one that
    is not active is answered as if it were unknown. `answers_for`: another account's SID."""

    hosts = ("api.twilio.com", *SERVICES)

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.sid = made_up("AC")
        self.key_sid = made_up("SK")
        self.key_kind = "standard"
        self.status = "active"
        self.hides_status = False
        self.answers_for = self.sid
        self.apps = {made_up("AP")}
        self.services = {made_up("MG"): "messaging.twilio.com"}
        self.closed_to = ""

    @property
    def values(self) -> dict[str, Any]:
        return {
            "account_sid": self.sid,
            "auth_token": TOKEN,
            "api_key_sid": self.key_sid,
            "api_key_secret": KEY_SECRET,
            "twiml_app_sid": made_up("AP"),
            "service_sid": made_up("MG"),
        }

    def answer(self, asked: Asked) -> Reply:
        kind = self._who(asked)
        if not kind or (self.hides_status and self.status != "active"):
            return UNKNOWN
        if asked.host != "api.twilio.com":
            return self._service(asked)
        if not asked.path.startswith(API + self.sid):
            return UNKNOWN
        rest = asked.path.removeprefix(API + self.sid)
        if rest == ".json":
            return self._account() if kind in ("token", "main") else UNKNOWN
        if rest == "/IncomingPhoneNumbers.json":
            return self._numbers() if kind != "restricted" else UNKNOWN
        app = rest.removeprefix("/Applications/").removesuffix(".json")
        if app in self.apps:
            return Reply(200, {"sid": app, "account_sid": self.sid, "friendly_name": GOSSIP})
        return ABSENT

    def _who(self, asked: Asked) -> str:
        user, password = asked.basic or ("", "")
        if user == self.sid and same(password, TOKEN):
            return "token"
        return self.key_kind if user == self.key_sid and same(password, KEY_SECRET) else ""

    def _account(self) -> Reply:
        known = {"sid": self.answers_for, "status": self.status, "type": "Full", "friendly_name": GOSSIP}
        return Reply(200, known | {"auth_token": TOKEN, "owner_account_sid": self.answers_for})

    def _numbers(self) -> Reply:
        page = {"page": 0, "page_size": 1, "next_page_uri": None, "uri": GOSSIP}
        return Reply(200, page | {"incoming_phone_numbers": []})

    def _service(self, asked: Asked) -> Reply:
        if asked.host == self.closed_to:
            return UNKNOWN
        sid = asked.path.removeprefix(SERVICES.get(asked.host, "?"))
        is_here = self.services.get(sid) == asked.host
        return Reply(200, {"sid": sid, "friendly_name": GOSSIP}) if is_here else ABSENT
