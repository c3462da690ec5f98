"""SIGKILL at random moments while endpoints are written through the API, forms, imports and bulk changes."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass

from devtools.load import superadmin, writing
from devtools.server import Server
from tests.support.denominators import Report
from tests.support.integrity import problems

SEED = 2212
MOST_WRITES_BETWEEN = 12


@dataclass(frozen=True)
class Fault:
    name: str
    happen: Callable[[Server], None]
    short: int
    """How often it is tried without `--full`."""
    full: int


def kill_a_worker(server: Server) -> None:
    os.kill(random.choice(server.workers()), signal.SIGKILL)


def kill_everything(server: Server) -> None:
    server.kill()
    server.start()


def kill_the_main_process(server: Server) -> None:
    """Its workers have to end themselves, or the next server would find its data folder in use."""
    server.process.kill()
    server.process.wait()
    server.start()


KILL = Fault("the server with its workers", kill_everything, short=1, full=50)
FAULTS = [
    Fault("a worker", kill_a_worker, short=2, full=50),
    KILL,
    Fault("the server's main process", kill_the_main_process, short=1, full=20),
]


def test_a_killed_server_loses_no_acknowledged_write(
    portal: Server, *, thorough: bool, full: bool, report: Report
) -> None:
    """Killed with its workers; thorough, each alone too."""
    chance, account, first = random.Random(SEED), superadmin(portal), 1
    for fault in FAULTS if thorough else [KILL]:
        tried, survived = fault.full if full else fault.short, 0
        with writing(portal, account, first=first) as load:
            for _ in range(tried):
                load.wait_for(chance.randint(1, MOST_WRITES_BETWEEN))
                fault.happen(portal)
                load.wait_for(1)
                survived += 1
        first += len(load.writers)
        comparison = load.compare()
        report(
            f"SIGKILL of {fault.name}, {portal.database}",
            tried=tried,
            survived=survived,
            lost=sum(map(len, comparison.wrong.values())),
            of=comparison.acknowledged,
        )
        assert comparison.wrong == {}
        assert not load.statuses.keys() - {200, 201, 303}, load.statuses
    assert problems(portal) == []
