"""What make and pytest say at the start when there is no Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.server import ROOT

NOWHERE = "/nowhere/chrome"
FIND = ("-m", "devtools.chromium")
TEST = ("-m", "pytest", "-q", "tests/browser/test_keys.py", "tests/core/test_clock.py")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_find_without_browser_names_the_package(tmp_path: Path) -> None:
    done = run(*FIND, PATH=str(tmp_path), CHROMIUM="")
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr
    assert NOWHERE in run(*FIND, CHROMIUM=NOWHERE).stderr


@pytest.mark.thorough("test_find_without_browser_names_the_package")
@pytest.mark.parametrize("workers", ["0", "1"])
def test_pytest_ends_early_without_the_browser(workers: str) -> None:
    done = run(*TEST, "-n", workers, CHROMIUM=NOWHERE)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert NOWHERE in done.stdout + done.stderr
    assert "passed" not in done.stdout
