"""Runs pytest in one process, and prints the CPU seconds of each module: `python -m devtools.cpu tests/web`.

The servers, browsers and databases that tests start are included, also those that have ended.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator

import pytest

from devtools import processes

ADOPT_ORPHANS = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): orphaned descendants become children of this process."""
MEASURED = "CPU_MEASURED"
"""The environment variable with the id of the process that is measured, with its descendants."""

_seconds: defaultdict[str, float] = defaultdict(float)


def main() -> int:
    ctypes.CDLL(None).prctl(ADOPT_ORPHANS, 1, 0, 0, 0)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-p", __spec__.name]
    environment = os.environ | {MEASURED: str(os.getpid())}
    return subprocess.run([*command, *sys.argv[1:]], env=environment, check=False).returncode


def _spent() -> float:
    return processes.cpu_seconds_of_tree(int(os.environ[MEASURED]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    module = item.nodeid.partition("::")[0]
    before = _spent()
    result = yield
    _seconds[module] += _spent() - before
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("CPU seconds")
    for module, seconds in sorted(_seconds.items(), key=lambda one: one[1], reverse=True):
        terminalreporter.write_line(f"{seconds:7.1f}  {module}")
    terminalreporter.write_line(f"{sum(_seconds.values()):7.1f}  total")


if __name__ == "__main__":
    sys.exit(main())
