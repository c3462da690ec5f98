"""Runs the Node programs of devtools/clients, which `make` installs if npm is available."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from devtools.server import ROOT

FOLDER = ROOT / "devtools" / "clients"
PACKAGES = FOLDER / "node_modules"
SECONDS = 400


def reason_missing() -> str | None:
    """Returns what has to be installed first; None if everything is installed."""
    if shutil.which("node") is None:
        return "Node is not installed."
    if not PACKAGES.exists():
        return "The packages of devtools/clients are not installed: run make clients."
    return None


def is_required() -> bool:
    """Whether a missing program is a failure, as it is in CI, where no test may be skipped."""
    return "CI" in os.environ


def run(*command: str | Path, folder: Path = FOLDER, environment: Mapping[str, str] | None = None) -> str:
    """Returns what the command prints. Raises AssertionError, with the output, if it fails."""
    done = subprocess.run(
        ["node", *map(str, command)],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
