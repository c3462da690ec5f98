"""An agent runtime: answers the webhooks of the sample numbers, and can simulate faults.

It verifies signatures without Patchbay's code, recognizes the mark of a webhook test, and lists every agent
that it started.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from simulators import SIMULATORS
from simulators.console import Action, Row, Table
from simulators.demo import HARBOR, MERIDIAN
from simulators.inbox import Inbox, Item, faults
from simulators.site import Reply, Request

HOSTS = tuple(urlsplit(organization.base_url).hostname or "" for organization in (MERIDIAN, HARBOR))
WEBHOOK = re.compile(r"/telephony/([a-z_]+)/inbound/([^/]+)")
MARK = "PatchbayTest"
XML = {"Content-Type": "text/xml"}
HTML = {"Content-Type": "text/html"}
STREAM = "wss://agents.example/live"
STARTED = "started"


class Trouble(StrEnum):
    OPEN = "open"
    OTHER_TOKEN = "other token"
    SLOW = "slow"
    HANG = "hang"
    WEB_PAGE = "web page"
    REJECTS = "rejects"
    FAULT = "500"
    REDIRECT = "redirect"
    CLOSED = "closed"


WORDS = {
    "Works": None,
    "Unsigned: starts for anyone": Trouble.OPEN,
    "Wrong token": Trouble.OTHER_TOKEN,
    "Slow: 6 seconds": Trouble.SLOW,
    "Hangs": Trouble.HANG,
    "Wrong: a web page": Trouble.WEB_PAGE,
    "Rejects calls": Trouble.REJECTS,
    "Broken: status 500": Trouble.FAULT,
    "Redirects": Trouble.REDIRECT,
    "No response": Trouble.CLOSED,
}
REPLIES = {
    Trouble.WEB_PAGE: Reply(200, "<!doctype html><title>Welcome</title><p>Welcome", HTML),
    Trouble.REJECTS: Reply(200, '<Response><Reject reason="busy"/></Response>', XML),
    Trouble.FAULT: Reply(500, "The runtime fails on purpose.", HTML),
    Trouble.REDIRECT: Reply(302, "", {"Location": "/elsewhere"}),
}
ANSWERS = {
    "twilio": Reply(200, f'<Response><Connect><Stream url="{STREAM}"/></Connect></Response>', XML),
    "vobiz": Reply(200, f'<Response><Stream bidirectional="true">{STREAM}</Stream></Response>', XML),
    "exotel": Reply(200, {"url": STREAM}),
}


@dataclass(frozen=True)
class WebhookCall(Item):
    """A request for an agent, and its outcome. `is_marked`: it belongs to a webhook test."""

    provider: str
    agent: str
    outcome: str
    is_marked: bool

    @property
    def title(self) -> str:
        return self.agent

    @property
    def summary(self) -> Sequence[str]:
        return [SIMULATORS[self.provider].label, *(["Webhook test"] if self.is_marked else [])]

    @property
    def details(self) -> Mapping[str, str]:
        return {"Provider": self.provider, "Outcome": self.outcome}


class AgentRuntime(Inbox[WebhookCall]):
    """The runtime; `trouble` is its present fault."""

    name = "Agent runtime"
    nothing = "No call has arrived yet."

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.trouble: Trouble | None = None
        self.slowness, self.hanging = 6.0, 20.0

    @property
    def upstreams(self) -> dict[str, str]:
        return dict.fromkeys(HOSTS, self.base)

    @property
    def started(self) -> list[str]:
        """The agents that the runtime started."""
        return [call.agent for call in self.arrived if call.outcome == STARTED]

    def state(self, item: WebhookCall) -> tuple[str, bool] | None:
        return item.outcome, item.outcome != "refused"

    def content(self, _number: int, _item: WebhookCall) -> str:
        return ""

    def tables(self) -> list[Table]:
        empty = Action("Empty the list", lambda _typed: self.clear())
        arrived = Row("All", f"{len(self.arrived)} arrived, {len(self.started)} started an agent.", [empty])
        return [faults(self, WORDS, self.name), Table("What arrived", [arrived])]

    def respond(self, request: Request) -> Reply | None:
        if self.is_own_page(request):
            return self.page(request)
        match = WEBHOOK.fullmatch(request.path)
        if not match or match[1] not in ANSWERS:
            return Reply(404, "Nothing is here.", HTML)
        outcome, reply = self._outcome(request, match[1])
        is_marked = MARK in (request.form | dict(request.query))
        self.take(WebhookCall(datetime.now(UTC), match[1], unquote(match[2]), outcome, is_marked))
        return reply

    def _outcome(self, request: Request, key: str) -> tuple[str, Reply | None]:
        if self.trouble is Trouble.CLOSED:
            return "no response", None
        if self.trouble in (Trouble.FAULT, Trouble.WEB_PAGE, Trouble.REDIRECT):
            return "failed", REPLIES[self.trouble]
        if self.trouble is not Trouble.OPEN and not self._is_signed(request, key):
            return "refused", Reply(403, "Not signed by the provider.", HTML)
        if self.trouble in (Trouble.SLOW, Trouble.HANG):
            time.sleep(self.slowness if self.trouble is Trouble.SLOW else self.hanging)
        if self.trouble is Trouble.REJECTS:
            return "rejected", REPLIES[self.trouble]
        parameters = request.form | dict(request.query)
        has_ended = parameters.get("CallStatus") == "completed"
        return "answered" if MARK in parameters or has_ended else STARTED, ANSWERS[key]

    def _is_signed(self, request: Request, key: str) -> bool:
        """Whether the provider signed the request; always true for a provider that signs nothing."""
        token: Any = SIMULATORS[key].demo.credentials.get("auth_token", "")
        if self.trouble is Trouble.OTHER_TOKEN:
            token = "of-another-account"
        url = f"https://{request.host}{request.path}"
        if key == "twilio":
            text = url + "".join(name + value for name, value in sorted(request.form.items()))
            return _matches(request.headers["X-Twilio-Signature"], token, text, "sha1")
        if key == "vobiz":
            text = f"{url}.{request.headers['X-Vobiz-Signature-V3-Nonce']}"
            return _matches(request.headers["X-Vobiz-Signature-V3"], token, text, "sha256")
        return True


def _matches(signature: str | None, token: str, text: str, digest: str) -> bool:
    right = base64.b64encode(hmac.digest(token.encode(), text.encode(), getattr(hashlib, digest)))
    return hmac.compare_digest((signature or "").encode(), right)
