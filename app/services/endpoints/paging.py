"""Pages of endpoints, in any order, forwards and backwards."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, DateTime

from app.core import phone, strict_json
from app.core.errors import Malformed
from app.models import Endpoint
from app.services import keyset
from app.services.endpoints import listing, messages
from app.services.endpoints.fields import FIELDS, EndpointField
from app.services.endpoints.listing import Filter
from app.services.keyset import Mark, Order, Page
from app.services.scope import Scope

CURSOR_LONGEST = 2000
BY_NUMBER = "number"


def _order(field: EndpointField) -> Order:
    """Returns the order by a field. Text that users enter is compared without case."""
    order = Order(field.column, Endpoint.phone_number)
    return replace(order, ignores_case=field.is_text and not field.fixed)


ORDERS = {field.sort: _order(field) for field in FIELDS if field.sort} | {
    "created": Order(Endpoint.created_at, Endpoint.phone_number)
}
_WORDS = {field.sort: field.sorted_words for field in FIELDS} | {"created": ("Oldest first", "Newest first")}
SORTS = {f"{sign}{name}": _WORDS[name][at] for name in ORDERS for at, sign in enumerate(("", "-"))}
"""The label of each sort. A minus reverses the order; rows without a value stay last."""


def page(
    scope: Scope, filters: Filter, *, limit: int, sort: str = BY_NUMBER, cursor: str | None = None
) -> Page[Endpoint]:
    """Returns up to `limit` endpoints in order, from the cursor on.

    Raises Malformed for an unknown sort, and for a cursor that no page returned.
    """
    return keyset.page(
        scope.session,
        listing.matching(scope, filters),
        _order_of(sort),
        _mark(sort, cursor) if cursor else None,
        limit=limit,
        cursor=lambda row, is_before: _cursor(sort, row, is_before=is_before),
    )


def _order_of(sort: str) -> Order:
    if sort not in SORTS:
        raise Malformed(messages.unknown_sort(ORDERS))
    return replace(ORDERS[sort.removeprefix("-")], descends=sort.startswith("-"))


@dataclass(frozen=True)
class Neighbors:
    """The endpoints before and after one in a list. That one may no longer be in the list itself."""

    previous: Endpoint | None
    next: Endpoint | None

    def __bool__(self) -> bool:
        return self.previous is not None or self.next is not None


def beside(scope: Scope, row: Endpoint, filters: Filter, sort: str = BY_NUMBER) -> Neighbors:
    """Returns the neighbors of an endpoint. Raises Malformed for an unknown sort."""
    order, query = _order_of(sort), listing.matching(scope, filters)
    mark = Mark(getattr(row, order.column.key), row.phone_number)
    before = keyset.beside(scope.session, query, order, replace(mark, is_before=True))
    return Neighbors(before, keyset.beside(scope.session, query, order, mark))


def _cursor(sort: str, row: Endpoint, *, is_before: bool) -> str:
    value = getattr(row, ORDERS[sort.removeprefix("-")].column.key)
    value = value.isoformat() if isinstance(value, datetime) else value
    text = json.dumps([sort, is_before, value, row.phone_number], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _mark(sort: str, cursor: str) -> Mark:
    """Returns the mark of a cursor. It checks every part, because clients can send any text."""
    try:
        text = base64.urlsafe_b64decode(cursor[:CURSOR_LONGEST] + "=" * (-len(cursor) % 4))
        for_sort, is_before, value, number = strict_json.parse(text)
        mark = Mark(_value(ORDERS[for_sort.removeprefix("-")], value), number, is_before)
        is_good = for_sort in SORTS and isinstance(is_before, bool) and phone.E164.fullmatch(number)
    except (binascii.Error, ValueError, TypeError, AttributeError, KeyError, Malformed):
        is_good = None
    if not is_good:
        raise keyset.BadCursor
    if for_sort != sort:
        raise Malformed(messages.CURSOR_OF_ANOTHER_SORT)
    return mark


def _value(order: Order, value: Any) -> Any:
    """Returns the value in a cursor. Raises ValueError or TypeError if no row can have it."""
    if value is None and order.has_nulls:
        return None
    if isinstance(order.column.type, DateTime):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            return moment
    elif isinstance(value, bool if isinstance(order.column.type, Boolean) else str):
        return value
    raise ValueError
