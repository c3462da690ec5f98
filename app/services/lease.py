"""Leases: one worker at a time on a row that has a `leased_until` column.

The lease of a killed worker ends at that time. A worker recognizes its lease by the time that it wrote, so
it changes nothing once its lease has expired and another worker has acquired one.
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
    """The lease expired, and another worker acquired one."""


def is_held(until: datetime | None, length: timedelta) -> bool:
    """Whether a lease of that length that ends at `until` is held now."""
    earliest, latest = clock.lease_bounds(length)
    return until is not None and earliest < until <= latest


def held_condition(column: Any, length: timedelta) -> ColumnElement[bool]:
    """Returns the condition of `is_held` in SQL; false for NULL."""
    earliest, latest = clock.lease_bounds(length)
    return and_(column > earliest, column <= latest)


class Lease:
    """One worker's lease on the row of `model` that `conditions` select. The row must exist."""

    def __init__(self, scope: Scope, model: Any, length: timedelta, *conditions: ColumnElement[bool]) -> None:
        self._scope, self._model, self._length = scope, model, length
        self._conditions = (model.organization_id == scope.organization.id, *conditions)
        self._until: datetime | None = None
        self._renewed = 0.0

    def acquire(self, **values: Any) -> bool:
        """Acquires the lease and sets `values`, in the open transaction; False if it is held."""
        column = self._model.leased_until
        until = clock.now() + self._length
        is_free = or_(column.is_(None), ~held_condition(column, self._length))
        if not self._update(is_free, leased_until=until, **values):
            return False
        self._until, self._renewed = until, time.monotonic()
        return True

    @property
    def is_held(self) -> bool:
        """Whether this worker still holds the lease, according to the database."""
        query = select(self._model.leased_until).where(*self._conditions)
        return self._until is not None and self._scope.session.scalar(query) == self._until

    def write(self, **values: Any) -> bool:
        """Sets values in the open transaction. Changes nothing and returns False if the lease was lost."""
        return self._update(self._is_unchanged, **values)

    def extend(self, **values: Any) -> bool:
        """Sets values and extends the lease to its full length.

        Changes nothing and returns False if it was lost.
        """
        until = clock.now() + self._length
        if not self._update(self._is_unchanged, leased_until=until, **values):
            return False
        self._scope.on_commit(self._record_extension, until)
        return True

    def renew(self, every: float) -> None:
        """Extends the lease in a transaction of its own, at most once in `every` seconds.

        Raises LeaseLost.
        """
        if time.monotonic() - self._renewed < every:
            return
        with self._scope.transaction(lock=False):
            is_extended = self.extend()
        if not is_extended:
            raise LeaseLost

    def release(self, **values: Any) -> bool:
        """Sets values and ends the lease. Changes nothing and returns False if it was lost."""
        return self.write(leased_until=clock.now(), **values)

    def _record_extension(self, until: datetime) -> None:
        self._until, self._renewed = until, time.monotonic()

    @property
    def _is_unchanged(self) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = self._model.leased_until == self._until
        return condition

    def _update(self, condition: ColumnElement[bool], **values: Any) -> bool:
        return bool(
            sql.run(self._scope, update(self._model).where(*self._conditions, condition).values(**values))
        )
