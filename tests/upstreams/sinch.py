from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.upstreams.base import GOSSIP, Asked, Reply, Upstream, same

KEY = "00000000-0000-4000-8000-000000000001"
SECRET = base64.b64encode(b"made-up-of-sinch").decode()
CALLBACKS = "/v1/configuration/callbacks/applications/"
WINDOW = timedelta(minutes=5)


def error(status: int, code: int) -> Reply:
    return Reply(status, {"errorCode": code, "message": GOSSIP, "status": status, "reference": GOSSIP})


class Sinch(Upstream):
    """`refusal`: status and errorCode to answer with, whoever calls."""

    hosts = ("callingapi.sinch.com",)

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.refusal: tuple[int, int] | None = None

    @property
    def values(self) -> dict[str, Any]:
        return {"application_key": KEY, "application_secret": SECRET}

    def answer(self, asked: Asked) -> Reply:
        if code := self._wrong_with(asked):
            return error(401, code)
        if self.refusal:
            return error(*self.refusal)
        if asked.path != CALLBACKS + KEY:
            return error(404, 40400)
        return Reply(200, {"url": {"primary": f"https://{GOSSIP}.example/calls"}})

    def _wrong_with(self, asked: Asked) -> int:
        scheme, _, credentials = asked.headers.get("Authorization", "").partition(" ")
        key, _, signed = credentials.partition(":")
        if scheme.lower() != "application":
            return 40100
        try:
            sent = datetime.fromisoformat(asked.headers.get("x-timestamp", ""))
        except ValueError:
            return 40101
        if abs(datetime.now(UTC) - sent) > WINDOW:
            return 40105
        if key != KEY:
            return 40107
        return 0 if same(signed, self._signature(asked)) else 40102

    def _signature(self, asked: Asked) -> str:
        digest = hashlib.md5(asked.body, usedforsecurity=False).digest()
        lines = (
            asked.method,
            base64.b64encode(digest).decode() if asked.body else "",
            asked.headers.get("Content-Type", ""),
            f"x-timestamp:{asked.headers.get('x-timestamp')}",
            asked.path,
        )
        mac = hmac.digest(base64.b64decode(SECRET), "\n".join(lines).encode(), hashlib.sha256)
        return base64.b64encode(mac).decode()
