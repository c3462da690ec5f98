"""Strangers who sign in by the hundred do not stop dialers: a dialer waits about as long as without them."""

from __future__ import annotations

import http.client
import json
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.security.conftest import Installation

CLIENTS = 40
TRIES = 5
QUESTIONS = 200
PAUSE = 0.2
"""Seconds between two tries of a client: 200 tries a second come from all of them."""
WORST = 3
LOWEST_PRIORITY = 19


def _sign_in(host: str, number: int, stop: Any, counts: Any) -> None:
    """One client after another address: tries an unknown email each time."""
    name, _, port = host.partition(":")
    tries = 0
    while not stop.is_set():
        connection = http.client.HTTPConnection(
            name, int(port), timeout=60, source_address=(f"127.0.1.{number + 1}", 0)
        )
        body = json.dumps(
            {"email": f"{number}-{tries}@unknown.example", "password": "not a password of ours"}
        )
        connection.request("POST", "/api/auth/login", body, {"Content-Type": "application/json"})
        status = connection.getresponse().status
        connection.close()
        with counts.get_lock():
            counts[{401: 0, 503: 1}.get(status, 2)] += 1
        tries += 1
        time.sleep(PAUSE)


def _flood(host: str, stop: Any, counts: Any) -> None:
    """The clients are other machines' work: they take no time of the server's."""
    os.nice(LOWEST_PRIORITY)
    threads = [
        threading.Thread(target=_sign_in, args=(host, number, stop, counts)) for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _flooded(host: str, counts: Any) -> Iterator[None]:
    """While sign-ins come, at least one of which was answered."""
    context = get_context("spawn")
    stop = context.Event()
    before = sum(counts)
    process = context.Process(target=_flood, args=(host, stop, counts))
    process.start()
    try:
        while sum(counts) < before + CLIENTS and process.is_alive():
            time.sleep(0.01)
        yield
    finally:
        stop.set()
        process.join(60)


def _p95(host: str, token: str) -> float:
    """Milliseconds that the question of every call takes."""
    took = []
    connection = http.client.HTTPConnection(host, timeout=60)
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        connection.request("GET", "/api/calls/providers", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
        took.append((time.perf_counter() - began) * 1000)
        assert response.status == 200
        time.sleep(0.005)
    connection.close()
    return statistics.quantiles(took, n=20)[-1]


@pytest.mark.asvs("2.4.1")
def test_a_flood_of_sign_ins_leaves_dialers_alone(installation: Installation) -> None:
    """Once of a few times: the machine may have something else to do."""
    host, token = urlsplit(installation.server.url).netloc, installation.tokens["mo"]
    counts: Any = get_context("spawn").Array("i", 3)
    _p95(host, token)
    seen = []
    for _ in range(TRIES):
        quiet = _p95(host, token)
        with _flooded(host, counts):
            flooded = _p95(host, token)
        seen.append((round(quiet, 1), round(flooded, 1)))
        if flooded <= WORST * quiet:
            break
    judged, busy, other = counts
    print(f"p95 quiet and flooded, ms: {seen}; {judged} judged, {busy} refused at once")  # noqa: T201
    assert judged
    assert busy
    assert not other
    assert flooded <= WORST * quiet
