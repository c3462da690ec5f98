"""A fresh, migrated database per test, copied from a template that is migrated once per session."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from app import create_app
from app.config import Settings
from app.extensions import db
from devtools.locks import locked
from devtools.postgres import Postgres

TEMPLATE = "patchbay_template"

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
SEQUENCES = (
    "SELECT sequencename, last_value, last_value IS NOT NULL FROM pg_sequences WHERE schemaname = 'public'"
)
CATALOG = """
    SELECT count(*), max(a.xmin::text::bigint), max(c.xmin::text::bigint)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace
"""
END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

Migrate = Callable[[str], None]


def migrate(environment: Mapping[str, str]) -> None:
    """Migrates the database to the newest revision, as an installation does, and disconnects."""
    app = create_app(Settings.from_environment(environment))
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["prepare"])
        db.session.remove()
        db.engine.dispose()
    assert done.exit_code == 0, done.output


def sqlite_copy(folder: Path, target: Path, migrate: Migrate) -> str:
    """Copies the migrated template to the new file `target`, and returns its URL."""
    template = folder / "template.db"
    with locked(folder / "sqlite.lock"):
        if not template.exists():
            draft = folder / "draft.db"
            migrate(f"sqlite:///{draft}")
            draft.rename(template)
    shutil.copyfile(template, target)
    return f"sqlite:///{target}"


def postgresql_template(postgres: Postgres, migrate: Migrate) -> str:
    """Returns the name of a migrated database to copy, which the first worker creates."""
    with postgres.lock():
        if not postgres.exists(TEMPLATE):
            draft = f"{TEMPLATE}_draft"
            postgres.drop(draft)
            postgres.create(draft)
            migrate(postgres.url(draft))
            postgres.rename(draft, TEMPLATE)
    return TEMPLATE


class Databases:
    """Lends copies of a template to tests, one after the other.

    A copy is emptied and reused after a test. That is far quicker than a new copy, for which PostgreSQL's
    caches are empty. A copy whose schema a test has changed is dropped.
    """

    def __init__(self, postgres: Postgres, template: str) -> None:
        self._postgres = postgres
        self._template = template
        self._spare: list[Copy] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """Yields the URL of a database equal to the template, which is reused afterwards."""
        copy = self._spare.pop() if self._spare else self._new()
        try:
            yield self._postgres.url(copy.name)
        finally:
            if copy.emptied():
                self._spare.append(copy)
            else:
                self._drop(copy)

    def close(self) -> None:
        for copy in self._spare:
            self._drop(copy)

    def _new(self) -> Copy:
        name = f"test_{uuid.uuid4().hex}"
        self._postgres.create(name, template=self._template)
        return Copy(name, self._postgres.connect(name))

    def _drop(self, copy: Copy) -> None:
        copy.connection.close()
        self._postgres.drop(copy.name)


class Copy:
    """A database, and a connection that resets it."""

    def __init__(self, name: str, connection: psycopg.Connection) -> None:
        self.name = name
        self.connection = connection
        self._catalog = self._catalog_now()
        self._empty = _restoring_sql(connection)

    def _catalog_now(self) -> Any:
        return self.connection.execute(CATALOG).fetchone()

    def emptied(self) -> bool:
        """Ends other connections and empties the tables; returns False if a test changed the schema."""
        try:
            self.connection.execute(END_OTHERS)
            if self._catalog_now() != self._catalog:
                return False
            self.connection.execute(self._empty)
        except psycopg.OperationalError:
            return False
        return True


def _restoring_sql(connection: psycopg.Connection) -> sql.Composed:
    """Returns the SQL that restores the current rows."""
    parts: list[sql.Composable] = [sql.SQL("SET session_replication_role = replica")]
    for (table,) in connection.execute(TABLES).fetchall():
        rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
        parts.append(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        parts += [
            sql.SQL("INSERT INTO {} VALUES ({})").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Literal, row))
            )
            for row in rows
        ]
    for name, value, called in connection.execute(SEQUENCES).fetchall():
        parts.append(
            sql.SQL("SELECT setval({}, {}, {})").format(
                sql.Literal(name), sql.Literal(value or 1), sql.Literal(called)
            )
        )
    return sql.SQL("; ").join(parts)
