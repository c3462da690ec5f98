"""Pages of endpoints in every order, forwards and back."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from app.core.errors import Malformed
from app.models import Endpoint
from app.models.base import new_id
from app.services import messages as shared
from app.services.endpoints import crud, messages, paging
from app.services.endpoints.listing import Filter
from app.services.endpoints.paging import SORTS

LABELS = [None, "b", "A", "a", "Zoë", "Écoute", "a b", "école", "100%", "B", "a-c"]
MOMENT = datetime.fromisoformat("2026-03-18T10:00:00")


@pytest.fixture
def many(acme, globex):
    """18 rows with equal values, and with none, and another organization's in between."""
    rows = [
        {
            "id": new_id(),
            "organization_id": (globex if n % 8 == 7 else acme).organization.id,
            "phone_number": f"+1555{n * 37 % 101:07}",
            "provider": ("twilio", "exotel", "vobiz")[n % 3],
            "inbound_agent_name": None if n % 4 == 0 else f"Agent {n % 5}",
            "label": LABELS[n % len(LABELS)],
            "is_active": bool(n % 3),
            "created_at": MOMENT + timedelta(microseconds=n % 6),
        }
        for n in range(20)
    ]
    acme.session.execute(insert(Endpoint), rows)
    acme.session.commit()
    return [row for row in rows if row["organization_id"] == acme.organization.id]


FIELDS = {
    "number": lambda row: row["phone_number"],
    "label": lambda row: row["label"] and re.sub("[A-Z]", lambda it: it[0].lower(), row["label"]),
    "provider": lambda row: row["provider"],
    "agent": lambda row: row["inbound_agent_name"],
    "active": lambda row: row["is_active"],
    "created": lambda row: row["created_at"],
}


def _expected(rows, sort):
    """By the value and the number; those without a value last, either way round."""
    value, falls = FIELDS[sort.removeprefix("-")], sort.startswith("-")
    some = [row for row in rows if value(row) is not None]
    none = [row for row in rows if value(row) is None]
    some.sort(key=lambda row: (value(row), row["phone_number"]), reverse=falls)
    none.sort(key=lambda row: row["phone_number"], reverse=falls)
    return [row["phone_number"] for row in some + none]


def _numbers(page):
    return [row.phone_number for row in page.rows]


def _walk(scope, sort, limit, filters=Filter()):  # noqa: B008
    """Every page forwards, and then every page back from the last."""
    forwards = [paging.page(scope, filters, limit=limit, sort=sort)]
    while forwards[-1].next:
        cursor = forwards[-1].next
        forwards.append(paging.page(scope, filters, limit=limit, sort=sort, cursor=cursor))
    back = [forwards[-1]]
    while back[-1].previous:
        cursor = back[-1].previous
        back.append(paging.page(scope, filters, limit=limit, sort=sort, cursor=cursor))
    return forwards, back[::-1]


@pytest.mark.both_databases
def test_page_visits_every_row_once_in_order_and_keeps_the_filter(acme, many):
    """A page of one row each begins at every row."""
    for sort, limit in [*((sort, 1) for sort in SORTS), ("label", 4), ("-agent", 10)]:
        forwards, back = _walk(acme, sort, limit)
        expected = _expected(many, sort)
        numbers = [number for page in forwards for number in _numbers(page)]
        assert numbers == expected, (sort, limit)
        assert [_numbers(page) for page in back] == [_numbers(page) for page in forwards], (sort, limit)
        assert (forwards[0].previous, forwards[-1].next) == (None, None), (sort, limit)

    expected = {row["phone_number"] for row in many if row["provider"] == "vobiz"}
    for sort in ("label", "-agent"):
        for pages in _walk(acme, sort, 3, Filter(provider="vobiz")):
            numbers = [number for page in pages for number in _numbers(page)]
            assert len(numbers) == len(set(numbers))
            assert set(numbers) == expected


def test_page_keeps_its_place_when_a_row_goes_and_refuses_foreign_cursors(acme, many):
    assert paging.page(acme, Filter(), limit=len(many)).next is None
    assert paging.page(acme, Filter(), limit=len(many) - 1).next is not None

    first = paging.page(acme, Filter(), limit=5)
    second = paging.page(acme, Filter(), limit=5, cursor=first.next)
    crud.delete(acme, first.rows[2].id)
    page = paging.page(acme, Filter(), limit=5, cursor=second.previous)
    assert len(page.rows) == 5
    assert page.previous is None

    for sort in ["number", "label", "-created"]:
        first = paging.page(acme, Filter(), limit=5, sort=sort)
        second = paging.page(acme, Filter(), limit=5, sort=sort, cursor=first.next)
        crud.delete(acme, first.rows[-1].id)
        again = paging.page(acme, Filter(), limit=5, sort=sort, cursor=first.next)
        assert _numbers(again) == _numbers(second), sort

    cursors = [("number", text) for text in NO_CURSORS] + [
        (sort, base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("="))
        for sort, value in FORGED
    ]
    assert [cursor for sort, cursor in cursors if _refusal(acme, sort, cursor) != shared.BAD_CURSOR] == []

    for sort in ("", "--label", "organization_id", "label;"):
        assert _refusal(acme, sort) == messages.unknown_sort(paging.ORDERS)

    cursor = paging.page(acme, Filter(), limit=5, sort="label").next
    for sort in ("-label", "number", "agent"):
        assert _refusal(acme, sort, cursor) == messages.CURSOR_OF_ANOTHER_SORT


NUMBER = "+15550000001"
NO_CURSORS = ["x", "!!", "é", "AAAA", "K" * 5000, "JzsgLS0", "KzE1NTUA"]
FORGED = [
    ("label", None),
    ("label", ["label", False, "b"]),
    ("label", ["label", False, "b", NUMBER, 1]),
    ("label", ["label", 1, "b", NUMBER]),
    ("label", ["label", False, 7, NUMBER]),
    ("label", ["label", False, "\0", NUMBER]),
    ("label", ["label", False, "\ud800", NUMBER]),
    ("label", ["label", False, "b", "' OR 1=1"]),
    ("label", ["label", False, "b", None]),
    ("label", [["label"], False, "b", NUMBER]),
    ("label", ["--label", False, "b", NUMBER]),
    ("provider", ["provider", False, None, NUMBER]),
    ("active", ["active", False, "yes", NUMBER]),
    ("active", ["active", False, None, NUMBER]),
    ("created", ["created", False, "yesterday", NUMBER]),
    ("created", ["created", False, "2026-03-18T10:00:00+00:00", NUMBER]),
    ("created", ["created", False, 1, NUMBER]),
]


def _refusal(scope, sort, cursor=None):
    with pytest.raises(Malformed) as refused:
        paging.page(scope, Filter(), limit=5, sort=sort, cursor=cursor)
    return refused.value.message
