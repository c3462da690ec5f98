"""Moves an installation from SQLite to PostgreSQL, and verifies that all data arrived."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, LargeBinary, Row, Table, func, insert, inspect, select
from sqlalchemy.exc import DBAPIError

from app import config, context, serving, startup
from app.config import Settings, SettingsError
from app.database import migrate
from app.extensions import db
from app.models import Base
from app.services.audit import integrity
from app.services.installation import setup

TOGETHER = 500
TOGETHER_WITH_FILES = 10
_DIGEST_SPACE = 1 << 256


class MoveError(Exception):
    """The database cannot be moved, and neither of the two was changed. The message is a sentence."""


@dataclass(frozen=True)
class Contents:
    """The number of rows of each table, and a digest of all of them, for comparison."""

    tables: dict[str, tuple[int, int]]

    @property
    def rows(self) -> int:
        return sum(count for count, _ in self.tables.values())


@dataclass(frozen=True)
class State:
    """The state of secrets and audit, which must be the same afterwards."""

    sealed: int
    unopened: int
    audit_problems: list[str]


def move(settings: Settings, target_url: str) -> tuple[Contents, State]:
    """Copies everything to an empty database, in one transaction. Raises MoveError, serving.InUse.

    The source stays unchanged.
    """
    target = _target_settings(settings, target_url)
    with serving.alone(settings.data):
        startup.prepare()
        before, source = _state(), context.engine()
        with _application_on(target):
            try:
                _expect_empty(context.engine())
                migrate.upgrade(context.engine(), settings.data)
                contents = _copy_all(source, context.engine())
                after = _state()
            except DBAPIError as error:
                raise MoveError(_reason(error)) from None
    if after != before:
        raise MoveError("Everything was copied, but secrets or audit differ there. Do not use the copy.")
    return contents, after


def _target_settings(settings: Settings, url: str) -> Settings:
    if not settings.is_sqlite:
        raise MoveError("The database here is PostgreSQL already. Move it with pg_dump and pg_restore.")
    try:
        _, read = config.location({"DATABASE_URL": url})
    except SettingsError:
        read = ""
    if not read.startswith("postgresql"):
        raise MoveError("TARGET_DATABASE_URL has to be postgresql+psycopg://user:password@host/name.")
    return replace(settings, database_url=read)


@contextmanager
def _application_on(settings: Settings) -> Iterator[None]:
    """Runs the block as an application on another database."""
    from app import create_app

    with create_app(settings).app_context():
        try:
            yield
        finally:
            db.session.remove()
            db.engine.dispose()


def _reason(error: DBAPIError) -> str:
    if error.connection_invalidated or not error.statement:
        return "The database of TARGET_DATABASE_URL cannot be reached. Check host, name, user and password."
    return f"PostgreSQL refused a row or a table ({type(error.orig).__name__}). Nothing was moved."


def _expect_empty(engine: Engine) -> None:
    """Raises MoveError if the database has other tables, or rows.

    Empty tables of Patchbay are accepted: an interrupted move leaves them.
    """
    names = set(inspect(engine).get_table_names())
    own = {table.name for table in Base.metadata.sorted_tables}
    if foreign := names - own - {"alembic_version"}:
        raise MoveError(f"The target database has other tables in it ({min(foreign)}). Name an empty one.")
    with engine.connect() as connection:
        for name in sorted(names & own):
            if connection.execute(select(Base.metadata.tables[name]).limit(1)).first():
                raise MoveError(f"The target database has data in it ({name}). Name an empty one.")


def _copy_all(source_engine: Engine, target_engine: Engine) -> Contents:
    """Copies all rows. Raises MoveError if those that arrived differ.

    The source must not be written to meanwhile.
    """
    with (
        source_engine.connect().execution_options(writes=True) as source,
        target_engine.begin() as target,
    ):
        for table in Base.metadata.sorted_tables:
            _copy(source, target, table)
        original, arrived = _contents(source), _contents(target)
        if original != arrived:
            names = [name for name, counted in original.tables.items() if arrived.tables[name] != counted]
            raise MoveError(f"The rows that arrived in {', '.join(names)} differ. Nothing was moved.")
    return original


def _copy(source: Connection, target: Connection, table: Table) -> None:
    for rows in _batches(source, table):
        target.execute(insert(table), [dict(row._mapping) for row in rows])
    column = table.autoincrement_column
    if column is not None:
        sequence = func.pg_get_serial_sequence(table.name, column.name)
        target.execute(
            select(func.setval(sequence, func.max(column))).select_from(table).having(func.max(column) > 0)
        )


def _batches(connection: Connection, table: Table) -> Iterator[list[Row[Any]]]:
    has_files = any(isinstance(column.type, LargeBinary) for column in table.columns)
    size = TOGETHER_WITH_FILES if has_files else TOGETHER
    yield from map(list, connection.execute(select(table).execution_options(yield_per=size)).partitions())


def _contents(connection: Connection) -> Contents:
    return Contents({table.name: _measure(connection, table) for table in Base.metadata.sorted_tables})


def _measure(connection: Connection, table: Table) -> tuple[int, int]:
    """Returns the number of a table's rows, and a digest that does not depend on their order.

    Databases sort texts differently.
    """
    count = digest = 0
    for rows in _batches(connection, table):
        for row in rows:
            text = json.dumps(list(row), default=_to_json, sort_keys=True)
            digest += int.from_bytes(hashlib.sha256(text.encode()).digest())
            count += 1
    return count, digest % _DIGEST_SPACE


def _to_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    raise TypeError(type(value).__name__)


def _state() -> State:
    scope = startup.console()
    sealed, unopened = setup.sealed_counts(scope)
    problems = integrity.problems(scope.session, scope.keys.sealer)
    scope.end_read()
    return State(sealed, unopened, problems)
