"""Removes what a killed test run leaves behind: servers, databases, browsers, and their data.

    begin()

starts a process that waits for the end of this one, however it ends, and then kills every process that has
the run's id in its environment or its command. Does nothing without /proc.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path

RUN = "TEST_RUN"
PROC = Path("/proc")
ROOT = Path(__file__).parents[1]
SECONDS_TO_STOP = 3
SECONDS = 10


def begin() -> None:
    """Sets the id of this run, which its processes inherit, and starts the watching process."""
    if not PROC.is_dir():
        return
    environment = {name: value for name, value in os.environ.items() if name != RUN}
    os.environ[RUN] = f"run-{uuid.uuid4().hex}"
    watch = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert watch.stdin
    watch.stdin.write(f"{os.environ[RUN]}\n".encode())
    watch.stdin.flush()
    _watches.append(watch)


_watches: list[subprocess.Popen[bytes]] = []
"""The watching processes, referenced so that their pipes stay open until this process ends."""


def new_folder(name: str, parent: Path | None) -> Path:
    """Creates a temporary folder that is removed when the run is over."""
    return Path(tempfile.mkdtemp(prefix=f"patchbay-{name}-{os.environ.get(RUN, '')}-", dir=parent))


def _end_run(run: str) -> None:
    """Ends the processes of a run with SIGTERM, then with SIGKILL, and removes its folders.

    SIGTERM allows PostgreSQL to remove its shared memory.
    """
    begin = time.monotonic()
    _signal(run, signal.SIGTERM)
    while (seconds := time.monotonic() - begin) < SECONDS and _processes(run.encode()):
        if seconds > SECONDS_TO_STOP:
            _signal(run, signal.SIGKILL)
        time.sleep(0.05)
    for parent in (Path("/dev/shm"), Path(tempfile.gettempdir())):  # noqa: S108 (only folders with the run's id)
        for folder in parent.glob(f"patchbay-*{run}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _signal(run: str, number: int) -> None:
    for process in _processes(run.encode()):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _processes(run: bytes) -> list[int]:
    own = os.getpid()
    pids = []
    for folder in PROC.iterdir():
        if folder.name.isdigit() and int(folder.name) != own:
            with suppress(OSError):
                if run in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes():
                    pids.append(int(folder.name))
    return pids


def _watch() -> None:
    run = sys.stdin.readline().strip()
    sys.stdin.read()
    if run:
        _end_run(run)


if __name__ == "__main__":
    _watch()
