from __future__ import annotations

from simulators.base import GOSSIP, Asked, Reply, Upstream, same
from simulators.console import Table
from simulators.elevenlabs_numbers import AgentsAndNumbers
from simulators.elevenlabs_workspace import SETTINGS, WEBHOOKS, Workspace

KEY = "made-up-key-of-elevenlabs"
READS = {"/v1/user": "user_read"}


def error(status: int, word: str, **more: str) -> Reply:
    return Reply(status, {"detail": {"status": word, "message": GOSSIP} | more})


class ElevenLabs(Upstream):
    """`permissions`: what the key may do. `is_newer`: the longer shape of errors. `refusal`: instead.

    `convai` has the agents and their phone numbers, `workspace` its webhooks and who is told about calls.
    """

    label = "ElevenLabs"
    hosts = ("api.elevenlabs.io",)
    usual = {"api_key": KEY}

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.permissions = {"user_read", "convai_read", "convai_write", "workspace"}
        self.convai = AgentsAndNumbers()
        self.workspace = Workspace()
        self.is_newer = False
        self.refusal: Reply | None = None

    def tables(self) -> list[Table]:
        return [*self.workspace.tables(), *self.convai.tables()]

    def answer(self, asked: Asked) -> Reply:
        more = {"type": "authentication_error", "code": "unauthorized"} if self.is_newer else {}
        if not same(asked.headers.get("xi-api-key"), self.own["api_key"]):
            return error(401, "invalid_api_key", **more)
        if self.refusal:
            return self.refusal
        if asked.path == SETTINGS or asked.path.startswith(WEBHOOKS):
            if "workspace" in self.permissions:
                return self.workspace.answer(asked)
            return error(401, "missing_permissions", **more)
        if self.convai.has(asked.path):
            if self.convai.permission(asked) not in self.permissions:
                return error(401, "missing_permissions", **more)
            return self.convai.answer(asked)
        if asked.path not in READS:
            return Reply(404, {"detail": "Not Found"})
        if READS[asked.path] not in self.permissions:
            return error(401, "missing_permissions", **more)
        return Reply(200, {"user_id": GOSSIP, "subscription": {}, "xi_api_key": self.own["api_key"]})
