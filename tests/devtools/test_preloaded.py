"""Forks of the preloaded process end with a code, also if the process that waits for them is killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from devtools.server import served


def test_a_server_whose_keeper_was_killed_is_killed(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        main = server.process.pid
        keeper = int(Path(f"/proc/{main}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(keeper, signal.SIGKILL)
        assert server.process.wait(30) == -signal.SIGKILL
        assert server.process.poll() == -signal.SIGKILL
        server.start()  # what the first one held is free
