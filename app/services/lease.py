"""Leases: one worker at a time, on a row that has a `leased_until` column.

A worker that was killed holds its lease until that time. A lease is known by its end, so a worker whose
lease ran out and was taken by another one changes nothing more.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update

from app.core import clock
from app.services import sql
from app.services.scope import Scope


class LeaseLost(Exception):
    """The lease ran out, and another worker took it."""


def is_held(until: datetime | None, length: timedelta) -> bool:
    """Whether a lease of that length, which ends then, is held now."""
    earliest, latest = clock.ends_of_leases(length)
    return until is not None and earliest < until <= latest


def held(column: Any, length: timedelta) -> ColumnElement[bool]:
    """As `is_held`, in SQL; false for NULL."""
    earliest, latest = clock.ends_of_leases(length)
    return and_(column > earliest, column <= latest)


class Lease:
    """One worker's lease on the row of `model` that `conditions` select. The row exists."""

    def __init__(self, scope: Scope, model: Any, length: timedelta, *conditions: ColumnElement[bool]) -> None:
        self._scope, self._model, self._length = scope, model, length
        self._conditions = (model.organization_id == scope.organization.id, *conditions)
        self._until: datetime | None = None
        self._renewed = 0.0

    def take(self, **values: Any) -> bool:
        """Takes the lease and sets `values`, in the open transaction; False if another worker holds it."""
        column = self._model.leased_until
        until = clock.now() + self._length
        is_free = or_(column.is_(None), ~held(column, self._length))
        if not self._update(is_free, leased_until=until, **values):
            return False
        self._until, self._renewed = until, time.monotonic()
        return True

    @property
    def is_mine(self) -> bool:
        """Whether no other worker took the lease since, as the database has it."""
        query = select(self._model.leased_until).where(*self._conditions)
        return self._until is not None and self._scope.session.scalar(query) == self._until

    def write(self, **values: Any) -> bool:
        """Sets values in the open transaction; False, and nothing, if another worker took the lease."""
        return self._update(self._is_mine, **values)

    def extend(self, **values: Any) -> bool:
        """As `write`, and the lease starts again."""
        until = clock.now() + self._length
        if not self._update(self._is_mine, leased_until=until, **values):
            return False
        self._scope.on_commit(self._hold, until)
        return True

    def keep(self, every: float) -> None:
        """Extends the lease, at most once in `every` seconds, in a transaction of its own.

        Raises LeaseLost.
        """
        if time.monotonic() - self._renewed < every:
            return
        with self._scope.transaction(lock=False):
            is_extended = self.extend()
        if not is_extended:
            raise LeaseLost

    def release(self, **values: Any) -> bool:
        """As `write`, and the next worker may take the lease."""
        return self.write(leased_until=clock.now(), **values)

    def _hold(self, until: datetime) -> None:
        self._until, self._renewed = until, time.monotonic()

    @property
    def _is_mine(self) -> ColumnElement[bool]:
        mine: ColumnElement[bool] = self._model.leased_until == self._until
        return mine

    def _update(self, condition: ColumnElement[bool], **values: Any) -> bool:
        return bool(
            sql.run(self._scope, update(self._model).where(*self._conditions, condition).values(**values))
        )
