"""A worker, or the server with all its workers, gets SIGKILL while four kinds of writes are under way."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.support.denominators import Report
from tests.support.integrity import problems
from tests.support.load import superadmin, writing
from tests.support.server import Server

SEED = 2212
MOST_WRITES_BETWEEN = 12
FULL = 50


@dataclass(frozen=True)
class Fault:
    name: str
    happen: Callable[[Server], None]
    short: int
    """How often it is tried in `make test`."""


def kill_a_worker(server: Server) -> None:
    """Of two workers the one that has run longer: the same one twice within seconds ends granian."""
    os.kill(server.workers()[0], signal.SIGKILL)


def kill_the_server(server: Server) -> None:
    server.kill()
    server.start()


FAULTS = [Fault("a worker", kill_a_worker, 6), Fault("the server", kill_the_server, 2)]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_nothing_acknowledged_is_lost(portal: Server, fault: Fault, full: bool, report: Report) -> None:
    tried, survived, chance = FULL if full else fault.short, 0, random.Random(SEED)
    with writing(portal, superadmin(portal)) as load:
        for _ in range(tried):
            load.wait_for(chance.randint(1, MOST_WRITES_BETWEEN))
            fault.happen(portal)
            load.wait_for(1)
            survived += 1
    found, wrong = load.compare(), problems(portal)
    report(
        f"SIGKILL of {fault.name}, {portal.database}",
        tried=tried,
        survived=survived,
        lost=sum(map(len, found.wrong.values())),
        of=found.acknowledged,
    )
    assert found.wrong == {}
    assert wrong == []
    assert survived == tried
    assert not load.statuses.keys() - {200, 201, 303}
