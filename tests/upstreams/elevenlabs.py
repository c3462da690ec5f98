from __future__ import annotations

from typing import Any

from tests.upstreams.base import GOSSIP, Asked, Reply, Upstream, same
from tests.upstreams.elevenlabs_workspace import SETTINGS, WEBHOOKS, Workspace

KEY = "made-up-key-of-elevenlabs"
READS = {"/v1/user": "user_read", "/v1/convai/agents": "convai_read"}


def error(status: int, word: str, **more: str) -> Reply:
    return Reply(status, {"detail": {"status": word, "message": GOSSIP} | more})


class ElevenLabs(Upstream):
    """`permissions`: what the key may do. `workspace`: who is told about calls. `is_newer`: the longer
    shape of errors. `refusal`: instead.
    """

    hosts = ("api.elevenlabs.io",)

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.permissions = {"user_read", "convai_read", "workspace"}
        self.workspace = Workspace()
        self.is_newer = False
        self.refusal: Reply | None = None

    @property
    def values(self) -> dict[str, Any]:
        return {"api_key": KEY}

    def answer(self, asked: Asked) -> Reply:
        more = {"type": "authentication_error", "code": "unauthorized"} if self.is_newer else {}
        if not same(asked.headers.get("xi-api-key"), KEY):
            return error(401, "invalid_api_key", **more)
        if self.refusal:
            return self.refusal
        if asked.path == SETTINGS or asked.path.startswith(WEBHOOKS):
            if "workspace" in self.permissions:
                return self.workspace.answer(asked)
            return error(401, "missing_permissions", **more)
        if asked.path not in READS:
            return Reply(404, {"detail": "Not Found"})
        if READS[asked.path] not in self.permissions:
            return error(401, "missing_permissions", **more)
        if asked.path == "/v1/user":
            return Reply(200, {"user_id": GOSSIP, "subscription": {}, "xi_api_key": KEY})
        return Reply(200, {"agents": [], "next_cursor": None, "has_more": False})
