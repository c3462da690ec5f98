"""ElevenLabs' workspace webhooks, and the setting that selects one for call events."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from app.providers.elevenlabs import signing
from simulators.base import CANARY, Reply, Request
from simulators.console import Action, Row, Table

WEBHOOKS = "/v1/workspace/webhooks"
SETTINGS = "/v1/convai/settings"
OK = Reply(200, {"status": "ok"})


def invalid(*where: str) -> Reply:
    return Reply(422, {"detail": [{"loc": ["body", *where], "msg": CANARY, "type": "missing"}]})


def refused(status: int, word: str) -> Reply:
    return Reply(status, {"detail": {"status": word, "message": CANARY}})


class Workspace:
    """The webhooks and the settings of a workspace.

    `returns_secret`: creating a webhook returns its secret. `keeps`: the webhooks that cannot be deleted.
    `retried`: the webhooks whose failed deliveries are sent again, which no response shows. `portal`: where
    the console sends events, instead of the webhook's own host.

    A request replaces the whole setting: fields that it omits are lost.
    """

    def __init__(self) -> None:
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, str] = {}
        self.returns_secret = True
        self.keeps: set[str] = set()
        self.retried: set[str] = set()
        self.settings: dict[str, Any] = {
            "webhooks": {
                "post_call_webhook_id": None,
                "events": ["audio"],
                "transcript_format": "opentelemetry",
            },
            "can_use_mcp_servers": True,
        }
        self.portal = ""
        self._made = 0
        self._calls = 0
        self._lock = threading.Lock()

    @property
    def selected(self) -> str | None:
        """The id of the webhook that receives call events."""
        webhook_id: str | None = self.settings["webhooks"].get("post_call_webhook_id")
        return webhook_id

    def add(self, url: str, name: str = "Another integration", **more: Any) -> str:
        """Adds a webhook and returns its id."""
        self._made += 1
        webhook_id = f"sample-webhook-{self._made}"
        self.secrets[webhook_id] = f"sample-webhook-secret-{self._made:04}"
        fields = {"webhook_id": webhook_id, "name": name, "webhook_url": url, "auth_type": "hmac"}
        off = {"is_disabled": False, "is_auto_disabled": False, "created_at_unix": int(time.time())}
        self.webhooks[webhook_id] = fields | off | more
        return webhook_id

    def tables(self) -> list[Table]:
        rows = [self._webhook_row(webhook_id) for webhook_id in self.webhooks]
        calls = [
            Action("A call ends", lambda _typed: self._send_event(ended)),
            Action("A call fails to start", lambda _typed: self._send_event(not_begun)),
        ]
        url = self.webhooks[self.selected]["webhook_url"] if self.selected in self.webhooks else ""
        foreign = Action("Add another integration's, and select it", self._add_foreign)
        return [
            Table("Webhooks", [*rows, Row("Another webhook", "", [foreign])]),
            Table("Calls", [Row("Send an event", url or "No webhook is selected.", calls)]),
        ]

    def _webhook_row(self, webhook_id: str) -> Row:
        webhook = self.webhooks[webhook_id]

        def switch(_typed: str) -> None:
            webhook["is_disabled"] = not webhook["is_disabled"]

        def delete(_typed: str) -> None:
            del self.webhooks[webhook_id]
            self._select(None if self.selected == webhook_id else self.selected)

        def fail(_typed: str) -> None:
            webhook["is_disabled"] = webhook["is_auto_disabled"] = True
            webhook["most_recent_failure_timestamp"] = int(time.time())
            webhook["most_recent_failure_error_code"] = 502

        actions = [
            Action("Disable after failures", fail),
            Action("Select for call events", lambda _typed: self._select(webhook_id)),
            Action("Enable" if webhook["is_disabled"] else "Disable", switch),
            Action("Delete", delete),
        ]
        words = ["gets call events"] * (webhook_id == self.selected) + ["disabled"] * webhook["is_disabled"]
        return Row(f"{webhook['name']} ({webhook_id})", webhook["webhook_url"], actions, ", ".join(words))

    def _add_foreign(self, _typed: str) -> None:
        self._select(self.add("https://elsewhere.example/calls"))

    def _select(self, webhook_id: str | None) -> None:
        self.settings["webhooks"]["post_call_webhook_id"] = webhook_id

    def _send_event(self, event: Callable[[str], dict[str, Any]]) -> str:
        """Sends an event about a call that just ended, and returns the result as a sentence."""
        if self.selected not in self.webhooks:
            return "No webhook is selected. Set one up in the portal first, under Voice AI."
        self._calls += 1
        now = int(time.time())
        payload = event(f"conv-{now}-{self._calls}") | {"event_timestamp": now}
        if "start_time_unix_secs" in payload["data"]["metadata"]:
            payload["data"]["metadata"]["start_time_unix_secs"] = now - 90
        path = urlsplit(self.webhooks[self.selected]["webhook_url"]).path
        try:
            status = self.send(payload, f"{self.portal}{path}")
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError:
            return f"No response from {self.portal}."
        return f"Sent to {self.portal}{path}, which returned HTTP {status}."

    def send(self, event: Any, to: str | None = None) -> int:
        """Sends `event` to the selected webhook, or to `to`, and returns the status of the response."""
        selected = self.selected or ""
        url = to or self.webhooks[selected]["webhook_url"]
        body, headers = signed(event, self.secrets[selected])
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 (a test's own)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            status: int = answer.status
        return status

    def answer(self, request: Request) -> Reply:
        with self._lock:
            if request.path == SETTINGS:
                return self._settings(request)
            if request.path == WEBHOOKS:
                return self._all(request)
            return self._one(request, request.path.removeprefix(f"{WEBHOOKS}/"))

    def _all(self, request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, {"webhooks": list(self.webhooks.values())})
        settings = json.loads(request.body).get("settings", {})
        missing = [name for name in ("auth_type", "name", "webhook_url") if not settings.get(name)]
        if missing or urlsplit(settings["webhook_url"]).scheme != "https":
            return invalid("settings", *missing)
        webhook_id = self.add(settings["webhook_url"], settings["name"])
        secret = {"webhook_secret": self.secrets[webhook_id]} if self.returns_secret else {}
        return Reply(200, {"webhook_id": webhook_id} | secret)

    def _one(self, request: Request, webhook_id: str) -> Reply:
        if webhook_id not in self.webhooks:
            return refused(404, "webhook_not_found")
        if request.method == "DELETE":
            if webhook_id == self.selected or webhook_id in self.keeps:
                return refused(400, "webhook_in_use")
            del self.webhooks[webhook_id]
            return OK
        changes = json.loads(request.body)
        missing = [name for name in ("is_disabled", "name") if name not in changes]
        if missing or request.method != "PATCH":
            return invalid(*missing)
        self.webhooks[webhook_id] |= {"is_disabled": changes["is_disabled"], "name": changes["name"]}
        if changes.get("retry_enabled"):
            self.retried.add(webhook_id)
        if not changes["is_disabled"]:
            self.webhooks[webhook_id]["is_auto_disabled"] = False
        return OK

    def _settings(self, request: Request) -> Reply:
        if request.method == "PATCH":
            changes = json.loads(request.body)
            if changes["webhooks"]["post_call_webhook_id"] not in self.webhooks:
                return refused(404, "webhook_not_found")
            self.settings |= changes
        return Reply(200, self.settings)


def signed(event: Any, secret: str, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    """Returns a body and the headers that ElevenLabs sends with it."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signature = signing.header(secret, body, int(time.time()) if at is None else at)
    return body, {"Content-Type": "application/json", "ElevenLabs-Signature": signature}


def ended(conversation: str = "conv-1", **data: Any) -> dict[str, Any]:
    """Returns the event of a call that ended."""
    call = {
        "agent_id": "agent-1",
        "agent_name": "Reception",
        "conversation_id": conversation,
        "status": "done",
        "transcript": [],
        "metadata": {
            "start_time_unix_secs": 1_790_000_000,
            "call_duration_secs": 83,
            "phone_call": {
                "direction": "inbound",
                "external_number": "+14155550123",
                "agent_number": "+15551234567",
            },
        },
        "analysis": {"call_successful": "success"},
    }
    return {"type": "post_call_transcription", "event_timestamp": 1_790_000_100, "data": call | data}


def not_begun(conversation: str = "conv-2", **data: Any) -> dict[str, Any]:
    """Returns the event of a call that failed to start."""
    body = {"from_number": "+15551234567", "to_number": "+14155550123", "sip_status_code": 486}
    call = {
        "agent_id": "agent-1",
        "conversation_id": conversation,
        "failure_reason": "busy",
        "metadata": {"type": "sip", "body": body},
    }
    return {"type": "call_initiation_failure", "event_timestamp": 1_790_000_100, "data": call | data}
