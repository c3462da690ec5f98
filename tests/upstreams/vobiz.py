from __future__ import annotations

from typing import Any

from tests.upstreams.base import GOSSIP, Asked, Reply, Upstream, same

AUTH_ID = "MA_MADEUP01"
TOKEN = "made-up-token-of-vobiz"
SHAPES: dict[str, dict[str, Any]] = {
    "flat": {"error": "unauthorized", "message": GOSSIP},
    "nested": {
        "status": "error",
        "error": {"code": "UNAUTHORIZED", "message": GOSSIP, "details": None},
        "timestamp": "2026-01-01T00:00:00Z",
        "requestId": GOSSIP,
    },
    "with api_id": {"api_id": GOSSIP, "error": "unauthorized", "message": GOSSIP},
}


class Vobiz(Upstream):
    """`shape`: of errors. `account`: changes to what it says of itself. `is_forbidden`: 403."""

    hosts = ("api.vobiz.ai",)

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.shape = "flat"
        self.account: dict[str, Any] = {}
        self.is_forbidden = False

    @property
    def values(self) -> dict[str, Any]:
        return {"auth_id": AUTH_ID, "auth_token": TOKEN}

    def answer(self, asked: Asked) -> Reply:
        is_known = same(asked.headers.get("X-Auth-ID"), AUTH_ID)
        if asked.path != "/api/v1/auth/me" or not is_known:
            return Reply(401, SHAPES[self.shape])
        if not same(asked.headers.get("X-Auth-Token"), TOKEN):
            return Reply(401, SHAPES[self.shape])
        if self.is_forbidden:
            return Reply(403, SHAPES[self.shape])
        known = {"type": "account", "auth_id": AUTH_ID, "auth_secret": TOKEN, "name": GOSSIP}
        return Reply(200, known | {"enabled": True, "is_active": True} | self.account)
