"""The ledger of the load generator finds every kind of difference."""

from __future__ import annotations

from collections.abc import Mapping

from devtools.ledger import Ledger

Writes = list[tuple[Mapping[str, str], int | None]]
UPDATED: Writes = [({"a": "1"}, 201), ({"a": "2"}, 200)]
IN_DOUBT: Writes = [({"a": "1"}, 201), ({"a": "2"}, None)]
TWO_ROWS: Writes = [({"a": "1", "b": "1"}, None)]


CASES: list[tuple[Writes, dict[str, str], set[str]]] = [
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
]
"""Writes with the status of each response (None: no response), what is stored, and what is wrong with it."""


def test_compare_finds_lost_torn_and_refused_writes() -> None:
    wrong = []
    for writes, stored, expected in CASES:
        ledger = Ledger()
        for values, status in writes:
            write = ledger.begin(values)
            if status is not None:
                ledger.settle(write, status)
        if (faults := set(ledger.compare(stored).wrong)) != expected:
            wrong.append((writes, stored, faults))
    assert wrong == []
