"""Many clients of two organizations create an endpoint for the same phone number at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from devtools.clients import ApiClient
from devtools.load import Account, superadmin
from devtools.server import Server
from tests.support.denominators import Report

CLIENTS = 50
SECONDS = 60


@pytest.mark.thorough("test_create_claims_a_number_once_names_no_owner_also_concurrently")
@pytest.mark.asvs("2.3.4")
def test_one_of_50_parallel_creates_succeeds(
    shared_portal: Server, account: Account, full: bool, report: Report
) -> None:
    other = superadmin(shared_portal, "Globex", "gus@globex.example")
    clients = [ApiClient(shared_portal.url, [account, other][n % 2].token) for n in range(CLIENTS)]
    together = threading.Barrier(CLIENTS)

    def create(client: ApiClient, number: str) -> int:
        together.wait(SECONDS)
        body = {"phone_number": number, "provider": "twilio"}
        return client.call("POST", "/api/settings/endpoints", body).status

    rounds, good = 20 if full else 1, 0
    with ThreadPoolExecutor(CLIENTS) as threads:
        for n in range(rounds):
            statuses = Counter(threads.map(create, clients, [f"+1555765{n:04}"] * CLIENTS))
            good += statuses == {201: 1, 409: CLIENTS - 1}
    report("One number created 50 times in parallel", tried=rounds, survived=good)
    assert good == rounds, statuses
