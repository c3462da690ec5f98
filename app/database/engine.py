"""Opens databases, with the settings that SQLite and PostgreSQL need to be safe."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import OperationalError

from app import postgresql
from app.core.errors import Unavailable

__all__ = ["copy_sqlite", "engine_options", "has_table", "prepare", "sqlite"]

try:
    from pysqlite3 import dbapi2 as sqlite
except ImportError:
    import sqlite3 as sqlite

BUSY_MILLISECONDS = 20_000
WAL_BYTES = 8_000_000
"""Size to which a larger WAL file is truncated after a checkpoint of all of it."""


SQLITE_VERSION: tuple[int, int, int] = sqlite.sqlite_version_info
WAL_FIXED = (3, 51, 3)
WAL_FIXED_EARLIER = ((3, 44, 6), (3, 50, 7))
"""Releases of older branches that have the fix too."""


def has_wal_bug(version: tuple[int, int, int]) -> bool:
    """Whether a SQLite of this version can corrupt a database in WAL mode, see decision 5."""
    is_fixed_earlier = any(fixed <= version < (fixed[0], fixed[1] + 1, 0) for fixed in WAL_FIXED_EARLIER)
    return version < WAL_FIXED and not is_fixed_earlier


def engine_options(url: str) -> dict[str, Any]:
    """Returns the options of `create_engine` for a URL. Errors do not contain parameters."""
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": 8, "max_overflow": 12}
    if url.startswith("sqlite"):
        options |= {"module": sqlite, "connect_args": {"timeout": BUSY_MILLISECONDS / 1000}}
    else:
        options |= postgresql.options()
    return options


def prepare(engine: Engine) -> None:
    """Registers SQLite's settings and transactions. Call it before the engine's first connection."""
    if engine.dialect.name == "sqlite":
        _create_file(str(engine.url.database))
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)


def _create_file(path: str) -> None:
    """Creates a new database file, mode 0600; SQLite creates the files beside it with the same mode.

    It never opens an existing file: when a process closes any descriptor of a file, POSIX drops all of its
    locks on the file, those of SQLite's connections included. The next process that closes the database would
    find no other user of it, and delete the WAL that this process still writes to.
    If the file cannot be created, SQLite reports it.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    """Applies SQLite's settings, and turns off the driver's transactions.

    `_on_sqlite_begin` starts transactions instead.
    """
    connection.isolation_level = None
    for setting in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"journal_size_limit={WAL_BYTES}",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _on_sqlite_begin(connection: Connection) -> None:
    """Starts a transaction. One that writes acquires its lock here, so that it cannot abort later.

    Without `waits` it fails immediately if another writer holds the lock.
    """
    options = connection.get_execution_options()
    driver: Any = connection.connection.dbapi_connection
    if not options.get("writes"):
        driver.execute("BEGIN").close()
        return
    wait_milliseconds = BUSY_MILLISECONDS if options.get("waits", True) else 0
    try:
        driver.execute(f"PRAGMA busy_timeout={wait_milliseconds}").close()
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}").close()


def copy_sqlite(engine: Engine, target: Path) -> None:
    """Copies a SQLite database, as it is at one moment, to a new file while others write to it.

    The copy is one file, without a WAL. Raises `sqlite.Error`, or FileExistsError.
    """
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with engine.connect() as connection, closing(sqlite.connect(str(target))) as copy:
        source: Any = connection.connection.driver_connection
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE").close()


def has_table(url: str, table: str) -> bool:
    """Whether the database has the table. Raises Unavailable if it cannot be reached."""
    if url.startswith("sqlite:///") and not _sqlite_file_exists(url):
        return False
    engine = create_engine(url, **engine_options(url))
    try:
        return inspect(engine).has_table(table)
    except OperationalError:
        raise Unavailable("The database of DATABASE_URL cannot be reached.") from None
    finally:
        engine.dispose()


def _sqlite_file_exists(url: str) -> bool:
    return Path(url.removeprefix("sqlite:///")).exists()
