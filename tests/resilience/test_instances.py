"""Two servers on one data folder or one address, servers that were killed, and workers that crash."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from devtools import preloaded
from devtools.server import Server, free_port, served
from tests.support.clocks import SCRIPT

SECONDS = 60
CRASHES = 4
SHORT = {preloaded.STAGE: str(SCRIPT), "STAGED_DEADLINES": "1"}
"""Waits a tenth of the usual time for another server to end."""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with two workers for the tests of this module. A worker that has just started would stop late."""
    with served(tmp_path_factory.mktemp("server"), {"PATCHBAY_WORKERS": "2"}) as server:
        yield server
        server.kill()


@contextmanager
def beside(environment: Mapping[str, str], log: Path) -> Iterator[preloaded.Fork]:
    """Another `flask serve`; it is killed in the end."""
    process = preloaded.start(environment, log)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def eventually(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Not so of a process that ended and that its parent has not collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def answers(server: Server) -> bool:
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=SECONDS) as response:  # noqa: S310 (our own)
        return bool(response.status == 200)


def is_serving(server: Server) -> bool:
    try:
        return answers(server)
    except OSError:
        return False


def test_a_second_server_refuses_to_start(portal: Server, tmp_path: Path) -> None:
    """On the same folder, on the same address, and on one that includes it; the first one goes on."""
    port = portal.environment["PATCHBAY_BIND"].rpartition(":")[2]
    folders = [str(tmp_path / name) for name in ("one", "two")]
    before = portal.workers()
    same_folder = {"PATCHBAY_BIND": f"127.0.0.1:{free_port()}"}
    same_address = {"PATCHBAY_DATA": folders[0]}
    any_address = {"PATCHBAY_DATA": folders[1], "PATCHBAY_BIND": f"0.0.0.0:{port}"}
    begun = [
        (preloaded.start({**portal.environment, **SHORT, **changes}, tmp_path / f"{number}.log"), named)
        for number, (changes, named) in enumerate(
            (
                (same_folder, f"The data folder {portal.data} is in use"),
                (same_address, f"The address 127.0.0.1:{port} is in use"),
                (any_address, f"The address 0.0.0.0:{port} is in use"),
            )
        )
    ]
    for number, (process, named) in enumerate(begun):
        code, said = process.wait(SECONDS), (tmp_path / f"{number}.log").read_text()
        assert code == 1, said
        assert "Traceback" not in said
        assert named in said
    assert portal.workers() == before
    assert answers(portal)


def test_crashed_workers_are_started_again(portal: Server, full: bool) -> None:
    """Repeatedly within seconds, and all of them together. Nothing that was counted is lost."""
    assert answers(portal)
    counted = count(portal)
    for _ in range(CRASHES if full else 2):
        crash(portal)
    assert answers(portal)
    assert portal.process.poll() is None
    assert count(portal) == counted + 1


def count(server: Server) -> float:
    """How many requests of `answers` all workers have counted together."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=SECONDS) as response:  # noqa: S310 (our own)
        match = re.search(r'requests_total\{.*route="/healthz".*\} (\S+)', response.read().decode())
    return float(match[1]) if match else 0


def crash(server: Server) -> None:
    """Kills all workers, and returns when there are as many again."""
    crashed = server.workers()
    for pid in crashed:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, crashed)), "they end")
    eventually(lambda: len(server.workers()) == len(crashed), "there are as many again")


@pytest.mark.thorough("test_a_killed_server_loses_no_acknowledged_write")
def test_a_server_waits_for_the_workers_of_a_killed_one(portal: Server, tmp_path: Path) -> None:
    """SIGKILL of the main process alone leaves nothing that serves, or that keeps the next one out."""
    orphans, log = portal.workers(), tmp_path / "successor.log"
    log.touch()
    with beside(portal.environment, log) as successor:
        eventually(lambda: "Waiting" in log.read_text(), "it waits")
        portal.process.kill()
        portal.process.wait()
        eventually(lambda: not any(map(is_alive, orphans)), "the old workers end")
        eventually(lambda: successor.poll() is not None or is_serving(portal), "the next server serves")
        assert successor.poll() is None
