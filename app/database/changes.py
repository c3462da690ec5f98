"""A counter of commits that the processes of one machine share, without a query."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

SIZE = 8


class Changes:
    """In a file that each process maps into memory: reading it takes less than a microsecond."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Mapped without room on the disk, it would end the process when it is written to.
            os.pwrite(descriptor, os.urandom(SIZE), 0)
            self._shared = mmap.mmap(descriptor, SIZE)
        finally:
            os.close(descriptor)

    def add(self, *_: object) -> None:
        """Call it after a commit, and before its success is reported."""
        self._shared[:] = os.urandom(SIZE)  # two that add concurrently cannot cancel each other out

    def count(self) -> bytes:
        """Returns a value that is another one after each commit."""
        return self._shared[:]
