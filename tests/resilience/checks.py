"""Checks of numbers that two portals have to share, and a Twilio that lets a test decide when they happen."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

from sqlalchemy import create_engine, func, select

from app.database import engine as database_engine
from app.models import DriftCheck, Organization
from devtools.clients import ApiClient
from devtools.load import Account
from devtools.server import Server
from simulators.base import Reply, Request
from simulators.twilio import Twilio

SECONDS = 60
TOGETHER = 4
SETTINGS = {"public_base_url": "https://voice.acme.example", "provider": "twilio"}
_unused = count(1)


class HeldTwilio(Twilio):
    """Twilio that answers only while it is not held."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()
        self.free.set()
        self.called = threading.Event()
        """Set by any request, also by one that is held."""

    def reply(self, request: Request) -> Reply:
        self.called.set()
        self.free.wait(SECONDS)
        return super().reply(request)


def unused_numbers(twilio: HeldTwilio, total: int) -> list[str]:
    """Phone numbers of the Twilio account that no other test has taken."""
    numbers = [f"+1555766{next(_unused):04}" for _ in range(total)]
    for number in numbers:
        twilio.add(number)
    return numbers


@dataclass(frozen=True)
class Checks:
    """Of an organization that is connected to Twilio."""

    server: Server
    account: Account
    twilio: HeldTwilio

    def __post_init__(self) -> None:
        own = {f"twilio_{name}": self.twilio.values[name] for name in ("account_sid", "auth_token")}
        portal = ApiClient(self.server.url, self.account.token)
        assert portal.call("PUT", "/api/settings/telephony", SETTINGS | own).status == 200

    def of_both(self, other: ApiClient, numbers: Sequence[str]) -> Mapping[str, int]:
        """Adds some of the numbers through each portal at the same time, until all are there.

        Returns how often Twilio was called about each number.
        """
        portals = [ApiClient(self.server.url, self.account.token), other]
        for start in range(0, len(numbers), 2 * TOGETHER):
            some = numbers[start : start + 2 * TOGETHER]
            self.twilio.free.clear()
            try:
                with ThreadPoolExecutor(len(portals)) as threads:
                    list(threads.map(add, portals, [some[:TOGETHER], some[TOGETHER:]]))
            finally:
                self.twilio.free.set()
            self.wait()
        times = Counter(request.query.get("PhoneNumber") for request in self.twilio.requests)
        return {number: times[number] for number in numbers}

    def wait(self) -> None:
        """Returns when no number of the organization waits to be checked."""
        url = self.server.environment["DATABASE_URL"]
        engine = create_engine(url, **database_engine.engine_options(url))
        own = select(Organization.id).where(Organization.slug == self.account.slug).scalar_subquery()
        query = select(func.count()).where(DriftCheck.organization_id == own, DriftCheck.due)
        deadline = time.monotonic() + SECONDS
        with engine.connect() as connection:
            while connection.scalar(query):
                assert time.monotonic() < deadline, self.server.output()[-3000:]
                connection.rollback()
                time.sleep(0.05)
        engine.dispose()


def add(portal: ApiClient, numbers: Sequence[str]) -> None:
    for number in numbers:
        body = {"phone_number": number, "provider": "twilio", "inbound_agent_name": "reception"}
        assert portal.call("POST", "/api/settings/endpoints", body).status == 201
