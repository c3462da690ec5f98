"""The ledger that the other tests trust: it notices what it is there to notice."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from devtools.ledger import Ledger

Writes = list[tuple[Mapping[str, str], int | None]]
UPDATED: Writes = [({"a": "1"}, 201), ({"a": "2"}, 200)]
IN_DOUBT: Writes = [({"a": "1"}, 201), ({"a": "2"}, None)]
TWO_ROWS: Writes = [({"a": "1", "b": "1"}, None)]


@pytest.mark.parametrize(
    ("writes", "stored", "wrong"),
    [
        (UPDATED, {"a": "2"}, set()),
        (UPDATED, {"a": "1"}, {"lost"}),
        (UPDATED, {}, {"lost"}),
        (IN_DOUBT, {"a": "1"}, set()),
        (IN_DOUBT, {"a": "2"}, set()),
        (IN_DOUBT, {}, {"lost"}),
        ([({"a": "1"}, 503)], {"a": "1"}, set()),
        ([({"a": "1"}, 409)], {}, set()),
        ([({"a": "1"}, 409)], {"a": "1"}, {"stored though refused"}),
        (TWO_ROWS, {}, set()),
        (TWO_ROWS, {"a": "1", "b": "1"}, set()),
        (TWO_ROWS, {"a": "1"}, {"torn"}),
    ],
)
def test_what_is_stored_is_compared_with_what_was_acknowledged(
    writes: Writes, stored: dict[str, str], wrong: set[str]
) -> None:
    ledger = Ledger()
    for values, status in writes:
        write = ledger.begin(values)
        if status is not None:
            ledger.settle(write, status)
    assert set(ledger.compare(stored).wrong) == wrong
