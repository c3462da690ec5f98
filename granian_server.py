"""Runs the workers of `flask serve`, which has opened the socket and holds the lock of the data folder.

The main process loads nothing of `app`: a worker that is started later runs the code that is there then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

BACKLOG = 1024
MOST_CONNECTIONS = 1000
"""Of each worker. More of them wait to be accepted."""
MOST_BUFFERED = 256_000
"""Bytes of one connection: of a request's headers, and of a response that its client does not read."""
SECONDS_TO_STOP = 3
"""What a worker has for its last responses, before it is killed."""
STEADY_SECONDS = 10.0
"""A worker that ends sooner was in a crash loop if the one before it was."""
LONGEST_PAUSE = 8.0
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
COUNT_BYTES = 2**21
"""More than all counts need; a file that grew would do so without room being allocated."""
CHECK_SECONDS = 0.5
"""How often a worker looks whether its main process is still there."""
SWITCH_SECONDS = 0.0002
"""How long a thread computes while another one waits. A short request passes through three threads."""


class Server(MPServer):
    """Granian, except for what two instances must not share, and for what must not end it."""

    def __init__(self, listener: socket.socket, *, workers: int) -> None:
        address, port = listener.getsockname()[:2]
        super().__init__(
            "asgi:app",
            address=address,
            port=port,
            interface=Interfaces.ASGINL,
            workers=workers,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(max_buffer_size=MOST_BUFFERED),
            websockets=False,
            backlog=BACKLOG,
            backpressure=MOST_CONNECTIONS,
            log_level=LogLevels.warning,
            respawn_failed_workers=True,
            workers_kill_timeout=SECONDS_TO_STOP,
        )
        self._listener = listener
        self._crashes = 0

    def _init_shared_socket(self) -> None:
        """Has all workers accept from one socket. Granian's own are SO_REUSEPORT: any number of programs
        may listen at the same address then, and each gets a part of the connections."""
        self._sso = self._listener
        self._shd = SocketHolder(self._listener.fileno(), False, BACKLOG)  # type: ignore[assignment, call-arg]

    def _respawn_workers(
        self, workers: list[int], spawn_target: Any, target_loader: Any, delay: float = 0
    ) -> None:
        """Starts workers that ended, also when they do so again and again, after pauses that grow."""
        found = [self.wrks[index] for index in workers]
        ended = [worker for worker in found if not worker.is_alive()]  # type: ignore[no-untyped-call]
        is_crash = any(time.monotonic() - worker.birth < STEADY_SECONDS for worker in ended)
        self._crashes = self._crashes + 1 if is_crash else 0
        self._pause(min(2.0**self._crashes / 8, LONGEST_PAUSE) if self._crashes > 1 else 0)
        if not self.interrupt_signal:
            super()._respawn_workers(workers, spawn_target, target_loader, delay)
            self.respawned_wrks.clear()

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.interrupt_signal:
            time.sleep(0.05)


def load(main_process: int) -> Any:
    """Runs in each worker: returns the application."""
    threading.Thread(target=_end_with, args=(main_process,), name="main process", daemon=True).start()
    _prepare_counts()
    sys.setswitchinterval(SWITCH_SECONDS)
    import asgi

    return asgi.app


def _end_with(main_process: int) -> None:
    """Ends this worker when the main process was killed: it would go on serving, in the way of the next
    instance, and nothing would ever stop it."""
    while os.getppid() == main_process:
        time.sleep(CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_STOP)
    os._exit(1)


def _prepare_counts() -> None:
    """Creates the files that Prometheus maps into memory, or adopts those of a worker that ended.

    They are written in full: to touch a page of a mapped file for which there is no room ends the process.
    If there is none for the files, this worker counts on its own.
    """
    if COUNTS not in os.environ:
        return
    folder = Path(os.environ[COUNTS])
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for kind in ("counter", "histogram"):
            _prepare_file(folder, kind)
    except OSError:
        del os.environ[COUNTS]


def _prepare_file(folder: Path, kind: str) -> None:
    own = folder / f"{kind}_{os.getpid()}.db"
    for left in folder.glob(f"{kind}_*.db"):
        if not _is_alive(int(left.stem.rpartition("_")[2])):
            with suppress(FileNotFoundError):  # another worker was quicker
                left.rename(own)
                return
    try:
        own.write_bytes(bytes(COUNT_BYTES))
    except OSError:
        own.unlink(missing_ok=True)
        raise


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--workers", type=int, required=True)
    options = parser.parse_args()
    listener = socket.socket(fileno=options.listener)
    server = Server(listener, workers=options.workers)
    if folder := os.environ.get(COUNTS):
        server.on_shutdown(partial(shutil.rmtree, folder, ignore_errors=True))
    server.serve(target_loader=partial(load, os.getpid()), wrap_loader=False)


if __name__ == "__main__":
    main()
