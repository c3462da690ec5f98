"""Statements that differ between SQLite and PostgreSQL, or that go around the session's rows."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import ColumnElement, String, any_, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from app.services.scope import Scope

FEW = 500


def is_of(scope: Scope, column: Any, numbers: Collection[str]) -> ColumnElement[bool]:
    """A few are parameters, which indexes serve best; of those a database takes some 30,000 at most."""
    if len(numbers) <= FEW:
        return cast("ColumnElement[bool]", column.in_(numbers))
    if scope.is_postgresql:
        within: ColumnElement[bool] = column == any_(literal(list(numbers), postgresql.ARRAY(String)))
        return within
    each = func.json_each(json.dumps(list(numbers))).table_valued("value")
    listed: ColumnElement[bool] = column.in_(select(each.c.value))
    return listed


def insert(scope: Scope, model: type) -> Any:
    """Returns an INSERT that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(model) if scope.is_postgresql else sqlite.insert(model)


def run(scope: Scope, statement: Any) -> int:
    """Executes an INSERT, UPDATE or DELETE; returns how many rows it changed.

    Rows that the session has loaded are not updated.
    """
    done: Any = scope.session.execute(statement, execution_options={"synchronize_session": False})
    return int(done.rowcount)
