"""The Node programs of devtools/clients: `make` installs them when npm is there."""

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
    """Returns what has to be installed first; None if nothing has."""
    if shutil.which("node") is None:
        return "Node is not installed."
    if not PACKAGES.exists():
        return "The packages of devtools/clients are not installed: run make clients."
    return None


def is_required() -> bool:
    """Whether a missing program is a failure: in CI nothing may be skipped."""
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
