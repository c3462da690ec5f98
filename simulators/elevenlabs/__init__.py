from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.provider import Family
from app.provider.calls import CallOutcome
from app.providers.elevenlabs.agents import CONVERSATIONS
from app.providers.elevenlabs.api import HOSTS
from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.calls import Call
from simulators.console import Table
from simulators.demo import DemoAccount
from simulators.elevenlabs.numbers import NIGHT_SHIFT, RECEPTION, AgentsAndNumbers
from simulators.elevenlabs.workspace import SETTINGS, WEBHOOKS, Workspace

KEY = "sample-key-of-elevenlabs"
READS = {"/v1/user": "user_read"}


def error(status: int, word: str, **more: str) -> Reply:
    return Reply(status, {"detail": {"status": word, "message": CANARY} | more})


class ElevenLabs(Simulator):
    """One workspace. `convai` has the agents and their phone numbers, `workspace` its webhooks.

    `permissions`: what the key may do. `hides_calls`: it may not read conversations. `is_newer`: errors have
    the longer format. `refusal` replaces every response. `region`: the host that accepts the key.
    """

    label = "ElevenLabs"
    hosts = HOSTS
    sample_values = {"api_key": KEY}

    demo = DemoAccount(
        credentials={"api_key": "sample-elevenlabs-api-key-0001"}, active_for=(Family.VOICE_AI,)
    )

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.permissions = {"user_read", "convai_read", "convai_write", "workspace"}
        self.convai = AgentsAndNumbers()
        self.workspace = Workspace()
        self.region = HOSTS[0]
        self.is_newer = False
        self.refusal: Reply | None = None
        self.hides_calls = False

    def fill_demo(self) -> None:
        super().fill_demo()
        self.convai.agents = {RECEPTION: "Reception", NIGHT_SHIFT: "Night shift"}

    def connect_portal(self, address: str) -> None:
        self.workspace.portal = address

    def tables(self) -> list[Table]:
        calls = self.calls.table(sorted({number["phone_number"] for number in self.convai.numbers.values()}))
        return [*self.workspace.tables(), *self.convai.tables(), calls]

    def _conversations(self, request: Request) -> Reply:
        """Lists a number's conversations, which do not name the number that was called."""
        number = self.convai.numbers.get(request.query.get("phone_number_ids", ""), {}).get("phone_number")
        after = request.query.get("call_start_after_unix")
        since = datetime.fromtimestamp(int(after), UTC) if after else None
        calls = [call for call in self.calls.listed(since=since) if call.number == number]
        rows = [self._conversation(call) for call in calls[: int(request.query.get("page_size", "30"))]]
        return Reply(200, {"conversations": rows, "has_more": len(rows) < len(calls), "next_cursor": None})

    def _conversation(self, call: Call) -> dict[str, Any]:
        words = {CallOutcome.ANSWERED: "done", CallOutcome.IN_PROGRESS: "in-progress"}
        return {
            "conversation_id": f"conv_{call.id}",
            "agent_id": NIGHT_SHIFT,
            "start_time_unix_secs": int(call.at.timestamp()),
            "direction": "inbound" if call.is_inbound else "outbound",
            "status": words.get(call.outcome, "failed"),
            "call_successful": "success",
            "termination_reason": CANARY,
            "transcript_summary": CANARY,
            "user_id": CANARY,
        }

    def answer(self, request: Request) -> Reply:
        more = {"type": "authentication_error", "code": "unauthorized"} if self.is_newer else {}
        is_known = same(request.headers.get("xi-api-key"), self.values["api_key"])
        if not is_known or request.host != self.region:
            return error(401, "invalid_api_key", **more)
        if self.refusal:
            return self.refusal
        if request.path == SETTINGS or request.path.startswith(WEBHOOKS):
            if "workspace" in self.permissions:
                return self.workspace.answer(request)
            return error(401, "missing_permissions", **more)
        if request.path == CONVERSATIONS:
            is_allowed = "convai_read" in self.permissions and not self.hides_calls
            return self._conversations(request) if is_allowed else error(401, "missing_permissions", **more)
        if self.convai.has(request.path):
            if self.convai.permission(request) not in self.permissions:
                return error(401, "missing_permissions", **more)
            return self.convai.answer(request)
        if request.path not in READS:
            return Reply(404, {"detail": "Not Found"})
        if READS[request.path] not in self.permissions:
            return error(401, "missing_permissions", **more)
        return Reply(200, {"user_id": CANARY, "subscription": {}, "xi_api_key": self.values["api_key"]})
