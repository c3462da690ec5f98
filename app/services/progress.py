"""How far long work is, told while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

Tell = Callable[[str, int, int], None]
"""Is told what is being done, and how many of how many rows are done; of 0 rows where none are counted."""

TOGETHER = 1000
"""Rows that are read, asked for or written in one go."""

Item = TypeVar("Item")


def to_nobody(_what: str, _done: int, _total: int) -> None:
    """Where nobody waits for it."""


def some(items: Sequence[Item], what: str, tell: Tell) -> Iterator[Sequence[Item]]:
    """The items, some at a time; before each time it is told how many are done."""
    for at in range(0, len(items), TOGETHER):
        tell(what, at, len(items))
        yield items[at : at + TOGETHER]
    tell(what, len(items), len(items))
