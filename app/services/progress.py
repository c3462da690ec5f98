"""Progress of long work, in batches of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

OnProgress = Callable[[str, int, int], None]
"""Called with the step, the number of finished rows and their total; 0 of 0 for a step without a count."""

BATCH = 1000
"""How many rows are read, written or looked up in one statement."""

Item = TypeVar("Item")


def ignore(_step: str, _done: int, _total: int) -> None:
    """Ignores the progress: for callers that do not show it."""


def batches(items: Sequence[Item], step: str, on_progress: OnProgress) -> Iterator[Sequence[Item]]:
    """Yields the items in batches, and reports the progress before each and at the end."""
    for start in range(0, len(items), BATCH):
        on_progress(step, start, len(items))
        yield items[start : start + BATCH]
    on_progress(step, len(items), len(items))
