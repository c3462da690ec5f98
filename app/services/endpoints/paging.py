"""Endpoints a page at a time, in any order, forwards and back."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Select, String, func, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.core import phone
from app.core.errors import Malformed
from app.models import Endpoint
from app.services.endpoints import listing
from app.services.endpoints.listing import Filter
from app.services.scope import Scope

CURSOR_LONGEST = 2000
BY_NUMBER = "number"


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Order:
    """What rows are sorted by. Equal ones are by number; those that have no value come last."""

    column: InstrumentedAttribute[Any]
    compared: Callable[[Any], Any] = _as_it_is
    """Of the column, and of a value that a cursor carries."""
    may_lack: bool = False


ORDERS = {
    BY_NUMBER: Order(Endpoint.phone_number),
    "label": Order(Endpoint.label, func.lower, may_lack=True),
    "provider": Order(Endpoint.provider),
    "agent": Order(Endpoint.inbound_agent_name, func.lower, may_lack=True),
    "active": Order(Endpoint.is_active),
    "created": Order(Endpoint.created_at),
}
SORTS = tuple(f"{sign}{name}" for name in ORDERS for sign in ("", "-"))
"""What may be asked for: the minus is the other way round, with those that lack the value still last."""


@dataclass(frozen=True)
class Page:
    rows: list[Endpoint]
    next_cursor: str | None = None
    previous_cursor: str | None = None


@dataclass(frozen=True)
class _Mark:
    """A row that a page begins after, or ends before: what it is sorted by, and its number."""

    is_before: bool
    value: Any
    number: str


def page(
    scope: Scope, wanted: Filter, *, limit: int, sort: str = BY_NUMBER, cursor: str | None = None
) -> Page:
    """Up to `limit` endpoints in order, from where the cursor says. Malformed for a sort or cursor
    that there is not.

    Going back always ends with the first page whole.
    """
    if sort not in SORTS:
        raise Malformed(f"Endpoints are sorted by {', '.join(ORDERS)}, or by one with a minus before it.")
    mark = _read(sort, cursor) if cursor else None
    goes_back = mark is not None and mark.is_before
    rows = _rows(listing.matching(scope, wanted), scope, sort, mark, limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    if goes_back and not more:
        return page(scope, wanted, limit=limit, sort=sort)
    if goes_back:
        rows.reverse()
    follows, precedes = more or goes_back, more if goes_back else mark is not None
    return Page(
        rows,
        _write(sort, rows[-1], is_before=False) if rows and follows else None,
        _write(sort, rows[0], is_before=True) if rows and precedes else None,
    )


def _rows(query: Select[Endpoint], scope: Scope, sort: str, mark: _Mark | None, limit: int) -> list[Endpoint]:
    """Backwards where the mark says so. Rows that have the value and rows that lack it are asked for
    apart: so the order is the same on every database, and each question is one range."""
    order, goes_back = ORDERS[sort.removeprefix("-")], mark is not None and mark.is_before
    falls = sort.startswith("-") != goes_back
    parts = [True, False] if order.may_lack else [True]
    if goes_back:
        parts.reverse()
    if mark is not None:
        parts = parts[parts.index(mark.value is not None) :]
    found: list[Endpoint] = []
    for has_value in parts:
        if len(found) < limit:
            within = mark if mark and (mark.value is not None) == has_value else None
            part = _part(query, order, has_value, within, falls=falls)
            found += scope.session.scalars(part.limit(limit - len(found)))
    return found


def _part(
    query: Select[Endpoint], order: Order, has_value: bool, mark: _Mark | None, *, falls: bool
) -> Select[Endpoint]:
    if order.may_lack:
        query = query.where(order.column.is_not(None) if has_value else order.column.is_(None))
    keys: list[ColumnElement[Any]] = [Endpoint.phone_number.expression]
    if has_value and order.column is not Endpoint.phone_number:
        keys.insert(0, order.compared(order.column))
    if mark is not None:
        bound = [literal(mark.number, String)]
        if len(keys) > 1:
            bound.insert(0, order.compared(literal(mark.value, order.column.type)))
        past = tuple_(*keys) < tuple_(*bound) if falls else tuple_(*keys) > tuple_(*bound)
        query = query.where(past)
    return query.order_by(*(key.desc() if falls else key.asc() for key in keys))


def _write(sort: str, row: Endpoint, *, is_before: bool) -> str:
    value = getattr(row, ORDERS[sort.removeprefix("-")].column.key)
    value = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([sort, is_before, value, row.phone_number], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(sort: str, cursor: str) -> _Mark:
    """Nothing of it is believed: each part has to be such as `_write` gives."""
    try:
        text = base64.urlsafe_b64decode(cursor[:CURSOR_LONGEST] + "=" * (-len(cursor) % 4)).decode()
        for_sort, is_before, value, number = json.loads(text)
        mark = _Mark(is_before, _value(ORDERS[for_sort.removeprefix("-")], value), number)
        is_good = for_sort in SORTS and isinstance(is_before, bool) and phone.E164.fullmatch(number)
    except (binascii.Error, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        is_good = None
    if not is_good:
        raise Malformed("The cursor is not one that this list gave. Start again without it.")
    if for_sort != sort:
        raise Malformed("The cursor is of a list that is sorted otherwise. Start again without it.")
    return mark


def _value(order: Order, value: Any) -> Any:
    """ValueError or TypeError where no row can have it."""
    if value is None and order.may_lack:
        return None
    if isinstance(order.column.type, DateTime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return moment
    elif isinstance(order.column.type, Boolean):
        if isinstance(value, bool):
            return value
    elif isinstance(value, str) and "\0" not in value:
        value.encode()
        return value
    raise ValueError
