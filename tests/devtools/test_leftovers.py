"""A run that is killed leaves no process and no data."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from devtools.server import ROOT

SECONDS = 30
RUN = """
import subprocess, sys, tempfile
from pathlib import Path
from devtools import leftovers
leftovers.begin()
sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(sleeper.pid, leftovers.new_folder("example", Path(tempfile.gettempdir())), flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_has_started_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        sleeper, folder = run.stdout.readline().split()
        assert Path(f"/proc/{sleeper}").exists()
        assert Path(folder).exists()
        run.kill()
    deadline = time.monotonic() + SECONDS
    while _is_alive(sleeper) or Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_alive(process: str) -> bool:
    """Not true of one that has ended and that its parent has not collected."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
