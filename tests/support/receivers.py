"""The simulated receiver of notifications, which responds here as a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.outbound.client import Outbound
from simulators import receiver
from simulators.receiver import Trouble
from simulators.site import Reply, Request

HOST = "receiver.example.com"
URL = f"https://{HOST}/hooks?team=1"


class Receiver(receiver.Receiver):
    """Responds with `status` and `text`, or as `answers` does; its pages and troubles are not used."""

    def __init__(self) -> None:
        super().__init__()
        self.status, self.text = 204, ""
        self.answers: Callable[[Request], Reply | None] | None = None

    def reply(self, request: Request, _trouble: Trouble | None) -> Reply | None:
        return self.answers(request) if self.answers else Reply(self.status, self.text)

    def client(self, *hosts: str, **options: Any) -> Outbound:
        """A client that reaches it as `HOST`, and as those hosts."""
        return Outbound(dict.fromkeys((HOST, *hosts), self.base), **options)
