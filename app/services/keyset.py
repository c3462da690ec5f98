"""Keyset pagination: a page starts after a row, or ends before one, so inserted rows do not shift it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, String, func, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.errors import Malformed
from app.services import messages

Item = TypeVar("Item")
Row = TypeVar("Row")


class BadCursor(Malformed):
    """The cursor is none that a page returned."""

    def __init__(self) -> None:
        super().__init__(messages.BAD_CURSOR)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """The rows of a page, and the cursors of the next and previous page; None at an end."""

    rows: list[Item]
    next: Any = None
    previous: Any = None


@dataclass(frozen=True)
class Mark:
    """The row that a page starts after, or ends before: its sort value, and its unique value."""

    value: Any
    unique: Any
    is_before: bool = False


@dataclass(frozen=True)
class Order:
    """Sorts by `column`, then by `unique`, both in one direction.

    Rows whose column is NULL come last either way.
    """

    column: InstrumentedAttribute[Any]
    unique: InstrumentedAttribute[Any]
    ignores_case: bool = False
    """For ASCII letters only. The column is a `sorted_text`."""
    descends: bool = False

    @property
    def has_nulls(self) -> bool:
        return bool(self.column.property.columns[0].nullable)


def page(
    session: Session,
    query: Select[Row],
    order: Order,
    mark: Mark | None,
    *,
    limit: int,
    cursor: Callable[[Row, bool], Any],
) -> Page[Row]:
    """Returns a page of up to `limit` rows of `query`, after or before the mark.

    See `page_of` for `cursor`.
    """
    return page_of(lambda start, most: _fetch(session, query, order, start, most), mark, limit, cursor)


def beside(session: Session, query: Select[Row], order: Order, mark: Mark) -> Row | None:
    """Returns the row directly after the mark, or before it if `mark.is_before`, or None."""
    return next(iter(_fetch(session, query, order, mark, 1)), None)


def page_of(
    fetch: Callable[[Mark | None, int], Sequence[Item]],
    mark: Mark | None,
    limit: int,
    cursor: Callable[[Item, bool], Any],
) -> Page[Item]:
    """Returns a page of the items that `fetch(mark, n)` returns: up to n, nearest to the mark.

    `cursor(item, is_before)` returns the cursor that continues at an item: the next page starts after it,
    or, if `is_before`, the previous page ends before it. The first page is full also when reached by going
    back.
    """
    goes_back = mark is not None and mark.is_before
    rows = list(fetch(mark, limit + 1))
    has_more = len(rows) > limit
    rows = rows[:limit]
    if goes_back and not has_more:
        return page_of(fetch, None, limit, cursor)
    if goes_back:
        rows.reverse()
    follows, precedes = has_more or goes_back, has_more if goes_back else mark is not None
    return Page(
        rows,
        cursor(rows[-1], False) if rows and follows else None,
        cursor(rows[0], True) if rows and precedes else None,
    )


def _fetch(session: Session, query: Select[Row], order: Order, mark: Mark | None, limit: int) -> list[Row]:
    """Returns up to `limit` rows beside the mark, nearest first.

    Rows with and without a value are two queries: databases disagree on where NULL sorts, and each query is
    one range of an index.
    """
    goes_back = mark is not None and mark.is_before
    parts = [True, False] if order.has_nulls else [True]
    if goes_back:
        parts.reverse()
    if mark is not None:
        parts = parts[parts.index(mark.value is not None) :]
    rows: list[Row] = []
    for has_value in parts:
        if len(rows) < limit:
            start = mark if mark and (mark.value is not None) == has_value else None
            part = _range_query(query, order, has_value, start, descends=order.descends != goes_back)
            rows += session.scalars(part.limit(limit - len(rows)))
    return rows


def _range_query(
    query: Select[Row], order: Order, has_value: bool, mark: Mark | None, *, descends: bool
) -> Select[Row]:
    if order.has_nulls:
        query = query.where(order.column.is_not(None) if has_value else order.column.is_(None))
    keys: list[ColumnElement[Any]] = [order.unique.expression]
    if has_value and order.column is not order.unique:
        keys.insert(0, func.lower(order.column) if order.ignores_case else order.column.expression)
    if mark is not None:
        bound = [literal(mark.unique, String)]
        if len(keys) > 1:
            value = mark.value.encode().lower().decode() if order.ignores_case else mark.value
            bound.insert(0, literal(value, order.column.type))
        query = query.where(tuple_(*keys) < tuple_(*bound) if descends else tuple_(*keys) > tuple_(*bound))
    return query.order_by(*(key.desc() if descends else key.asc() for key in keys))
