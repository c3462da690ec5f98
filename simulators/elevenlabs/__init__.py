from __future__ import annotations

from app.provider import Family
from app.providers.elevenlabs.api import HOSTS
from simulators.base import CANARY, Reply, Request, Simulator, same
from simulators.console import Table
from simulators.demo import DemoAccount
from simulators.elevenlabs.numbers import NIGHT_SHIFT, RECEPTION, AgentsAndNumbers
from simulators.elevenlabs.workspace import SETTINGS, WEBHOOKS, Workspace

KEY = "sample-key-of-elevenlabs"
READS = {"/v1/user": "user_read"}


def error(status: int, word: str, **more: str) -> Reply:
    return Reply(status, {"detail": {"status": word, "message": CANARY} | more})


class ElevenLabs(Simulator):
    """`permissions`: what the key may do. `is_newer`: the longer shape of errors. `refusal`: instead.

    `region`: the host that knows the key. `convai` has the agents and their phone numbers, `workspace` its
    webhooks.
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

    def fill_demo(self) -> None:
        super().fill_demo()
        self.convai.agents = {RECEPTION: "Reception", NIGHT_SHIFT: "Night shift"}

    def connect_portal(self, address: str) -> None:
        self.workspace.portal = address

    def tables(self) -> list[Table]:
        return [*self.workspace.tables(), *self.convai.tables()]

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
        if self.convai.has(request.path):
            if self.convai.permission(request) not in self.permissions:
                return error(401, "missing_permissions", **more)
            return self.convai.answer(request)
        if request.path not in READS:
            return Reply(404, {"detail": "Not Found"})
        if READS[request.path] not in self.permissions:
            return error(401, "missing_permissions", **more)
        return Reply(200, {"user_id": CANARY, "subscription": {}, "xi_api_key": self.values["api_key"]})
