"""A folder in memory for temporary data, if there is enough space: databases are much faster there."""

from __future__ import annotations

import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 (callers create a folder of their own in it)
ENOUGH_BYTES = 2**30


def fast_folder() -> Path | None:
    """Returns the folder; None if it does not exist or has too little space."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
        return MEMORY
    return None
