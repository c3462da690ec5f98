"""Statements that differ between SQLite and PostgreSQL, or that bypass the session's rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import ColumnElement, String, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from app.services.scope import Scope

FEW = 500
"""Up to this many values are passed as parameters."""


def in_list(scope: Scope, column: Any, numbers: Collection[str]) -> ColumnElement[bool]:
    """Returns the condition that the column is one of the numbers.

    A few are passed as parameters, which indexes serve best. Databases accept some 30,000 parameters at
    most, so many are passed as one array or JSON text.
    """
    if len(numbers) <= FEW:
        return cast("ColumnElement[bool]", column.in_(numbers))
    if scope.is_postgresql:
        within: ColumnElement[bool] = column == any_(literal(list(numbers), postgresql.ARRAY(String)))
        return within
    each = func.json_each(json.dumps(list(numbers))).table_valued("value")
    listed: ColumnElement[bool] = column.in_(select(each.c.value))
    return listed


def upsert(scope: Scope, model: Any, changes: Mapping[str, Any] | None = None, *, where: Any = None) -> Any:
    """Returns an INSERT that applies `changes` to an existing row with the same primary key.

    Without `changes`, an existing row stays as it is; with `where`, only a row that matches it is changed.
    """
    insert: Any = (postgresql if scope.is_postgresql else sqlite).insert(model)
    if changes is None:
        return insert.on_conflict_do_nothing()
    key = list(model.__table__.primary_key)
    return insert.on_conflict_do_update(index_elements=key, set_=dict(changes), where=where)


@dataclass(frozen=True)
class Inserts:
    """Rows as the database driver accepts them, already processed by SQLAlchemy."""

    statement: str
    rows: Sequence[Any]

    def run(self, scope: Scope) -> None:
        if self.rows:
            scope.session.connection().exec_driver_sql(self.statement, self.rows)


def prepare_inserts(scope: Scope, model: Any, rows: Iterable[Mapping[str, Any]]) -> Inserts:
    """Prepares rows, each with a value for every column, before the transaction that inserts them.

    A transaction must be short: on SQLite it blocks every other writer.
    """
    dialect = scope.session.get_bind().dialect
    columns = model.__table__.columns
    statement = sa.insert(model).values({column.name: sa.bindparam(column.name) for column in columns})
    compiled: Any = statement.compile(dialect=dialect)
    processors = {
        column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns
    }
    names = compiled.positiontup if compiled.positional else None
    prepared = ({name: _process(processors[name], row[name]) for name in processors} for row in rows)
    listed: list[Any] = [tuple(row[name] for name in names) if names else row for row in prepared]
    return Inserts(str(compiled), listed)


def _process(processor: Any, value: Any) -> Any:
    return processor(value) if processor else value


def run(scope: Scope, statement: Any) -> int:
    """Executes an INSERT, UPDATE or DELETE, and returns how many rows it changed.

    Rows that the session has loaded are not updated.
    """
    options = {"synchronize_session": False, "preserve_rowcount": True}
    done: Any = scope.session.execute(statement, execution_options=options)
    return int(done.rowcount)


def seconds_between(
    scope: Scope, start: sa.SQLColumnExpression[Any], end: sa.SQLColumnExpression[Any]
) -> ColumnElement[float]:
    """Returns the seconds from `start` to `end`, in SQL."""
    if scope.is_postgresql:
        return sa.cast(sa.extract("epoch", end - start), sa.Float())
    return (func.julianday(end) - func.julianday(start)) * 86_400
