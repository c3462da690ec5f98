"""Limits work that takes a whole core, across all processes of an installation on one machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core import messages
from app.core.errors import Busy


class Slots:
    """`count` slots and a reserved one. Each is a file lock, which ends with its process."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count

    @contextmanager
    def taken(self, *, reserved: bool = False) -> Iterator[None]:
        """Holds a slot while the block runs. Raises Busy if none is free.

        `reserved` may use the reserved slot.
        """
        descriptor = self._lock_slot(self._count + reserved)
        try:
            yield
        finally:
            os.close(descriptor)

    def expect_free(self, *, reserved: bool = False) -> None:
        """Raises Busy if no slot is free, before work that would be in vain."""
        os.close(self._lock_slot(self._count + reserved))

    def has_free(self) -> bool:
        try:
            self.expect_free()
        except Busy:
            return False
        return True

    def _lock_slot(self, count: int) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(count):
            path = self._folder / f"{number}.lock"
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(descriptor)
                if not isinstance(error, BlockingIOError):
                    raise
            else:
                return descriptor
        raise Busy(messages.TOO_MANY_SIGN_INS)
