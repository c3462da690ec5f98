"""Memory for what a test run throws away, where there is plenty: databases are far quicker there."""

from __future__ import annotations

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 (whoever uses it makes a folder of their own in it)
ENOUGH_BYTES = 2**30


def fast_folder() -> Path | None:
    """None where there is no such place, or not enough of it."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        return MEMORY
    return None
