"""Puts a database back as it was while a server runs on it, so that one server serves many tests."""

from __future__ import annotations

from pathlib import Path

from psycopg.errors import DeadlockDetected
from sqlalchemy import Engine

from app.models import Base

TABLES = [table.name for table in Base.metadata.sorted_tables]
SIGNED_IN_NOW = "UPDATE sessions SET created_at = {0}, last_seen_at = {0}, confirmed_at = {0}"
"""However long the tests take, no session is older than its test."""
NOW = {"sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')", "postgresql": "timezone('utc', now())"}


class Snapshot:
    """Keeps a copy of every table: in the file `copy` for SQLite, in a schema for PostgreSQL.

    It keeps one connection for good.
    """

    def __init__(self, engine: Engine, copy: Path) -> None:
        self._connection = engine.raw_connection()
        self._kind = engine.dialect.name
        self._run(f"ATTACH '{copy}' AS kept" if self._kind == "sqlite" else "CREATE SCHEMA kept")
        for table in TABLES:
            self._run(f"CREATE TABLE kept.{table} AS SELECT * FROM {table}")  # noqa: S608 (our own tables)
        self._connection.commit()

    def restore(self) -> None:
        """Again if work of the server in the background had locked some of it first."""
        while True:
            try:
                return self._restore()
            except DeadlockDetected:
                self._connection.rollback()

    def _restore(self) -> None:
        if self._kind == "sqlite":
            self._run("BEGIN IMMEDIATE")
        for table in reversed(TABLES):
            self._run(f"DELETE FROM {table}")  # noqa: S608
        for table in TABLES:
            self._run(f"INSERT INTO {table} SELECT * FROM kept.{table}")  # noqa: S608
        self._run(SIGNED_IN_NOW.format(NOW[self._kind]))
        self._connection.commit()

    def _run(self, statement: str) -> None:
        self._connection.cursor().execute(statement)
