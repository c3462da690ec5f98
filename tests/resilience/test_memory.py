"""Workers hold no more memory after many requests of all kinds than after half of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest

from devtools.clients import ApiClient, PortalClient
from devtools.load import Account, superadmin
from devtools.processes import resident_bytes
from devtools.server import Server
from tests.support.denominators import Report

CLIENTS = 8
MOST_GROWTH = 8 * 2**20
"""Bytes that a worker may hold more after the second half: its heaps and caches are never quite full."""
NUMBER = "+15551234567"
EXPECTED = {200, 401, 404, 422}


class Client:
    """Sends one of many kinds of requests, chosen at random."""

    def __init__(self, server: Server, account: Account, seed: int) -> None:
        self._chance = random.Random(seed)
        self._api = ApiClient(server.url, account.token)
        self._anonymous = ApiClient(server.url, "no token")
        self._browser = PortalClient(server.url)
        self._browser.sign_in(account.email)
        self._base = f"/o/{account.slug}"
        self._kinds: list[Callable[[], int]] = [
            *repeat(self._query, 8),
            *(self._read, self._resolve, self._page, self._table, self._save, self._refused, self._unknown),
        ]

    def send(self) -> int:
        return self._chance.choice(self._kinds)()

    def _query(self) -> int:
        return self._api.call("GET", "/api/calls/providers").status

    def _read(self) -> int:
        return self._api.call("GET", "/api/settings/endpoints").status

    def _resolve(self) -> int:
        return self._api.call("GET", f"/api/settings/endpoints/resolve?phone_number=%2B{NUMBER[1:]}").status

    def _page(self) -> int:
        page = self._chance.choice(["/account", "/", f"{self._base}/audit", f"{self._base}/providers/twilio"])
        return self._browser.get(page).status

    def _table(self) -> int:
        return self._browser.get(f"{self._base}/endpoints?q={self._chance.random()}").status

    def _save(self) -> int:
        body = {"exotel_max_concurrent": self._chance.randint(1, 900)}
        return self._api.call("PUT", "/api/settings/telephony", body).status

    def _refused(self) -> int:
        body = {"phone_number": f"+1{self._chance.random()}", "provider": "twilio"}
        return self._api.call("POST", "/api/settings/endpoints", body).status

    def _unknown(self) -> int:
        path = self._chance.choice(["/api/calls/providers", f"/api/unknown/{self._chance.random()}"])
        return self._anonymous.call("GET", path).status


@pytest.mark.thorough("test_close_leaves_no_descriptor", "test_long_response_is_made_as_the_client_takes_it")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_does_not_grow(portal: Server, full: bool, report: Report) -> None:
    account = superadmin(portal)
    settings = {"public_base_url": "https://voice.acme.example"}
    api = ApiClient(portal.url, account.token)
    assert api.call("PUT", "/api/settings/telephony", settings).status == 200
    body = {"phone_number": NUMBER, "provider": "twilio", "inbound_agent_name": "reception"}
    assert api.call("POST", "/api/settings/endpoints", body).status == 201
    each = (50_000 if full else 640) // 2 // CLIENTS
    clients = [Client(portal, account, seed) for seed in range(CLIENTS)]
    statuses: Counter[int] = Counter()
    samples = []
    with ThreadPoolExecutor(CLIENTS) as threads:
        for _ in range(2):
            for some in threads.map(lambda client: [client.send() for _ in range(each)], clients):
                statuses.update(some)
            samples.append([resident_bytes(worker) for worker in portal.workers()])
    growth = max(after - before for before, after in zip(*samples, strict=True))
    report(
        "Requests with memory flat",
        tried=statuses.total(),
        survived=sum(times for status, times in statuses.items() if status in EXPECTED),
        note=f"{growth / 2**20:+.1f} MB per worker in the second half",
    )
    assert statuses.keys() <= EXPECTED, statuses
    assert growth <= MOST_GROWTH, samples
