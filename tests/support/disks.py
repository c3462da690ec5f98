"""Disks without room for what a server writes, and that have room again."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools import processes
from devtools.server import Server

BYTES = 8_000_000


class Shortage(ABC):
    @abstractmethod
    def begin(self, server: Server) -> None:
        """From now on, what the server writes to the folder does not fit."""

    @abstractmethod
    def end(self, server: Server) -> None:
        """It fits again."""


class FullDisk(Shortage):
    """A file system of its own that is filled to the last byte."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def begin(self, server: Server) -> None:
        while self._has_open_temporary_files(server):
            time.sleep(0.01)
        size = BYTES
        with self._ballast.open("ab", buffering=0) as ballast:
            while size:
                try:
                    written = ballast.write(bytes(size))
                except OSError:
                    written = 0
                size = size if written == size else size // 2

    def end(self, server: Server) -> None:
        self._ballast.unlink()

    def _has_open_temporary_files(self, server: Server) -> bool:
        """Whether a worker has yet to close the file of a download, which would make room."""
        files = (file for pid in server.workers() for file in processes.open_files(pid))
        return any(file.startswith(f"{self._ballast.parent}/#") for file in files)


class FileSizeLimit(Shortage):
    """A limit on the size of files, for the processes of the server. It needs no rights."""

    def begin(self, server: Server) -> None:
        self._set(server, 4096)

    def end(self, server: Server) -> None:
        self._set(server, None)

    @staticmethod
    def _set(server: Server, limit: int | None) -> None:
        for process in (server.process.pid, *server.workers()):
            _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
            resource.prlimit(process, resource.RLIMIT_FSIZE, (hard if limit is None else limit, hard))


@contextmanager
def small_disk(folder: Path) -> Iterator[FullDisk | None]:
    """A file system of a few megabytes, mounted at `folder`; None if this user may not mount one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={BYTES},mode=0700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield FullDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
