from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from tests.upstreams.base import GOSSIP, Asked, Reply, Upstream, same

KEY_ID = "00000000-0000-4000-8000-000000000002"
KEY_SECRET = "made-up-key-secret-of-sinch"
PROJECT = "00000000-0000-4000-8000-000000000003"
TRUNK = "01" + "0" * 23 + "1"
DOMAIN = "made-up.trunk.example"


def error(status: int, word: str) -> Reply:
    body = {"code": status, "status": word, "message": GOSSIP, "details": []}
    return Reply(status, body, {"WWW-Authenticate": "Bearer"} if status == 401 else {})


class SinchEst(Upstream):
    """`trunk`: changes to what it says of itself. `revoke` ends all tokens. `refusal`: instead of a trunk."""

    hosts = ("auth.sinch.com", "elastic-trunking.api.sinch.com")

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.trunk: dict[str, Any] = {}
        self.refusal: Reply | None = None
        self.token_life: Any = 3600
        self._issued = 0
        self._good: set[str] = set()

    @property
    def values(self) -> dict[str, Any]:
        return {
            "key_id": KEY_ID,
            "key_secret": KEY_SECRET,
            "project_id": PROJECT,
            "trunk_id": TRUNK,
            "trunk_domain": DOMAIN,
        }

    def revoke(self) -> None:
        self._good.clear()

    def answer(self, asked: Asked) -> Reply:
        return self._token(asked) if asked.host == "auth.sinch.com" else self._trunk(asked)

    def _token(self, asked: Asked) -> Reply:
        key, secret = asked.basic or ("", "")
        if (asked.method, asked.path) != ("POST", "/oauth2/token"):
            return error(404, "NOT_FOUND")
        if parse_qs(asked.body.decode()).get("grant_type") != ["client_credentials"]:
            return Reply(400, {"error": "unsupported_grant_type", "error_description": GOSSIP})
        if not (same(key, KEY_ID) and same(secret, KEY_SECRET)):
            return Reply(401, {"error": "invalid_client", "error_description": GOSSIP})
        self._issued += 1
        token = f"made-up-access-token-{self._issued}"
        self._good.add(token)
        body = {"access_token": token, "token_type": "bearer", "expires_in": self.token_life, "scope": ""}
        return Reply(200, body)

    def _trunk(self, asked: Asked) -> Reply:
        if asked.headers.get("Authorization", "").removeprefix("Bearer ") not in self._good:
            return error(401, "UNAUTHENTICATED")
        if self.refusal:
            return self.refusal
        if not asked.path.startswith(f"/v1/projects/{PROJECT}/"):
            return error(403, "PERMISSION_DENIED")
        if asked.path != f"/v1/projects/{PROJECT}/trunks/{TRUNK}":
            return error(404, "NOT_FOUND")
        known = {"id": TRUNK, "projectId": PROJECT, "name": GOSSIP, "hostName": "made-up", "domain": DOMAIN}
        return Reply(200, known | self.trunk)
