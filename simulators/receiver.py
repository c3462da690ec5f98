"""A receiver of notifications: stores every webhook and Slack message, and verifies signatures.

It verifies them by the Standard Webhooks specification, without Patchbay's code, and can simulate faults.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from enum import StrEnum
from html import escape
from itertools import repeat
from typing import Any

from simulators.console import Action, Row, Table
from simulators.inbox import Inbox, Item, faults
from simulators.site import Reply, Request

HOST = "receiver.example"
URL = f"https://{HOST}/notifications"
"""The URL of a webhook destination; `Receiver.upstreams` leads it here."""
SLACK_HOST = "hooks.slack.com"
SLACK_URL = f"https://{SLACK_HOST}/services/T00000000/B00000000/sample"
SLACK_TYPE = {"Content-Type": "text/html"}
PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)
CHUNK = b" " * 65_536
CHUNKS_OF_A_GIGABYTE = 2**30 // len(CHUNK)


class Trouble(StrEnum):
    """The faults. A path that ends with one of these values always has that fault."""

    SLOW = "slow"
    HANG = "hang"
    REDIRECT = "redirect"
    FAULT = "500"
    GONE = "410"
    RATE_LIMITED = "429"
    GIGABYTE = "gigabyte"
    EMPTY = "empty"
    CLOSED = "closed"


WORDS = {
    "Works": None,
    "Slow": Trouble.SLOW,
    "Hangs": Trouble.HANG,
    "Redirects": Trouble.REDIRECT,
    "Status 500": Trouble.FAULT,
    "Status 410": Trouble.GONE,
    "Status 429": Trouble.RATE_LIMITED,
    "A gigabyte": Trouble.GIGABYTE,
    "An empty body": Trouble.EMPTY,
    "No response": Trouble.CLOSED,
}


@dataclass(frozen=True)
class Notification(Item):
    """A request that arrived, and the status of its response; 0 for none."""

    host: str
    path: str
    headers: Message = field(repr=False)
    body: bytes = field(repr=False)
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def id(self) -> str:
        return str(self.headers.get("webhook-id", ""))

    @property
    def is_slack(self) -> bool:
        return self.host == SLACK_HOST

    @property
    def json(self) -> dict[str, Any]:
        """The body's JSON object; empty for any other body."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def data(self) -> dict[str, Any]:
        event_data = self.json.get("data")
        return event_data if isinstance(event_data, dict) else {}

    @property
    def title(self) -> str:
        if self.is_slack:
            return str(self.json.get("text") or "Slack message")
        return str(self.json.get("type") or self.path)

    @property
    def summary(self) -> Sequence[str]:
        if self.is_slack:
            return ()
        organization = self.data.get("organization")
        name = organization.get("name") if isinstance(organization, dict) else None
        lines = (self.data.get("title") or self.data.get("subject"), self.data.get("reason"), name)
        return [str(line) for line in lines if line]

    @property
    def details(self) -> Mapping[str, str]:
        shown = {name: value for name, value in self.headers.items() if name.lower().startswith("webhook-")}
        answered = str(self.status or "none")
        return {"Sent to": f"https://{self.host}{self.path}", "Response": answered, **shown}

    def signature_problem(self, secrets: Sequence[str]) -> str | None:
        """Returns why the signature is not valid for any of the secrets; None if it is valid."""
        written = str(self.headers.get("webhook-timestamp", ""))
        if not self.id or not written or not self.headers.get("webhook-signature"):
            return "unsigned"
        if not written.isdecimal() or abs(self.at.timestamp() - int(written)) > TOLERANCE.total_seconds():
            return "old timestamp"
        signed = f"{self.id}.{written}.".encode() + self.body
        valid = {_signature(secret, signed) for secret in secrets}
        is_valid = not valid.isdisjoint(str(self.headers["webhook-signature"]).split())
        return None if is_valid else "wrong signature"


class Receiver(Inbox[Notification]):
    """The receiver. `secrets` verify signatures; `trouble` is a fault on every path.

    A path that ends with a fault, such as /hang, has that fault in any case.
    """

    name = "Notification receiver"
    nothing = "Nothing has arrived yet."

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.slowness = 2.0
        self.trouble: Trouble | None = None
        self.secrets: list[str] = []

    @property
    def upstreams(self) -> dict[str, str]:
        return dict.fromkeys((HOST, SLACK_HOST), self.base)

    def state(self, item: Notification) -> tuple[str, bool] | None:
        if item.is_slack:
            return None
        if not self.secrets:
            return "not verified: no secret", False
        problem = item.signature_problem(self.secrets)
        return (f"not verified: {problem}", False) if problem else ("verified", True)

    def content(self, _number: int, item: Notification) -> str:
        written = item.body.decode(errors="replace")
        if item.json:
            written = json.dumps(item.json, indent=2, ensure_ascii=False)
        return f"{_link(item.data.get('url'))}<pre>{escape(written)}</pre>"

    def respond(self, request: Request) -> Reply | None:
        if self.is_own_page(request) and (request.method == "GET" or request.path == "/settings"):
            return self.page(request)
        at = datetime.now(UTC)
        trouble = self._trouble(request.path)
        reply = self.reply(request, trouble)
        arrived = (request.host, request.path, request.headers, request.body)
        self.take(Notification(at, *arrived, reply.status if reply else 0, request.query))
        if trouble is Trouble.SLOW:
            time.sleep(self.slowness)
        elif trouble is Trouble.HANG:
            self._stopped.wait()
        return reply

    def tables(self) -> list[Table]:
        state = f"Known: {len(self.secrets)}." if self.secrets else "None yet."
        add = Action("Use this secret", self._add_secret, value="")
        secret = Row("Signing secret", state, [add, Action("Remove all", self._remove_secrets)])
        explained = "Paste the whsec_ secret that Patchbay shows once. Two are valid during a rotation."
        empty = Action("Empty the list", lambda _typed: self.clear())
        return [
            Table("Signatures", [secret], explained),
            faults(self, WORDS, self.name),
            Table("What arrived", [Row("All", f"{len(self.arrived)} arrived.", [empty])]),
        ]

    def _add_secret(self, typed: str) -> str:
        try:
            _key(typed)
        except ValueError:
            return f"That is no secret: it starts with {PREFIX}, and the rest is base64."
        self.secrets.append(typed)
        return "Signatures are checked with it now."

    def _remove_secrets(self, _typed: str) -> None:
        self.secrets.clear()

    def _trouble(self, path: str) -> Trouble | None:
        last = path.rpartition("/")[2]
        return Trouble(last) if last in list(Trouble) else self.trouble

    def reply(self, request: Request, trouble: Trouble | None) -> Reply | None:
        """Returns the reply; None closes the connection. Subclasses may override it."""
        match trouble:
            case Trouble.REDIRECT:
                return Reply(302, "", {"Location": f"{self.base}/elsewhere"})
            case Trouble.FAULT | Trouble.GONE | Trouble.RATE_LIMITED:
                retry = {"Retry-After": "1"} if trouble is Trouble.RATE_LIMITED else {}
                return Reply(int(trouble), {"message": "This receiver fails on purpose."}, retry)
            case Trouble.GIGABYTE:
                return Reply(200, _gigabyte(), {"Content-Type": "text/plain"})
            case Trouble.EMPTY:
                return Reply(200, "", {"Content-Type": "text/plain"})
            case Trouble.CLOSED | Trouble.HANG:
                return None
        if request.host == SLACK_HOST:
            return _slack_reply(request)
        return Reply(200, {"received": True})


def _slack_reply(request: Request) -> Reply:
    """Returns a reply in plain text, as Slack does."""
    if not request.path.startswith("/services/"):
        return Reply(404, "no_service", SLACK_TYPE)
    try:
        message = request.json
    except ValueError:
        return Reply(400, "invalid_payload", SLACK_TYPE)
    if not message.get("text") and not message.get("blocks"):
        return Reply(400, "no_text", SLACK_TYPE)
    return Reply(200, "ok", SLACK_TYPE)


def _gigabyte() -> Iterator[bytes]:
    return repeat(CHUNK, CHUNKS_OF_A_GIGABYTE)


def _key(secret: str) -> bytes:
    """Returns the bytes of a secret. Raises ValueError if it is not a secret."""
    if not secret.startswith(PREFIX):
        raise ValueError
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError from error
    if not key:
        raise ValueError
    return key


def _signature(secret: str, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _link(url: object) -> str:
    """Returns a link to a web address; empty for anything else."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        return ""
    return f'<p><a href="{escape(url)}" rel="noreferrer">{escape(url)}</a></p>'
