"""Detects errors whose cause is a full disk."""

from __future__ import annotations

import errno
import resource
import tempfile
from pathlib import Path

from sqlalchemy.exc import DBAPIError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of a full disk, an exhausted quota, and a file of the largest permitted size."""
PROBE_BYTES = 65_536
_MAY_BE_NO_ROOM = ("SQLITE_IOERR", "SQLITE_CANTOPEN")
_POSTGRESQL_DISK_FULL = "53100"


def is_full(error: OSError | DBAPIError, database: str | None = None) -> bool:
    """Whether a full disk caused the error. `database`: the SQLite file that it is about."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    name = str(getattr(error.orig, "sqlite_errorname", ""))
    if name == "SQLITE_FULL" or getattr(error.orig, "sqlstate", None) == _POSTGRESQL_DISK_FULL:
        return True
    return name.startswith(_MAY_BE_NO_ROOM) and database is not None and not _has_room(Path(database))


def _has_room(database: Path) -> bool:
    """Whether the disk has room for a write, which is tried.

    SQLite reports a quota or a limit like any other failed write. The database file itself is not opened:
    closing it would drop SQLite's locks.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    files = [database, database.with_name(f"{database.name}-wal")]
    if limit != resource.RLIM_INFINITY and any(_size(file) + PROBE_BYTES > limit for file in files):
        return False
    try:
        with tempfile.TemporaryFile(dir=database.parent) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
    except OSError as error:
        return error.errno not in NO_ROOM
    return True


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
