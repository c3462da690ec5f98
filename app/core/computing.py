"""Limits how many threads of a process run Python code at a time to one.

Python lets only one run anyway, and all others wait for its lock: among twelve threads, the event loop,
which needs it for a moment, gets it late.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_WAIT = 0.3
"""Seconds. A turn that is longer is not spent computing: its thread waits for a database, say."""


class Turns:
    """A lock whose waiting threads get it in the order in which they came."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def take(self, seconds: float) -> bool:
        """Returns whether it is taken; False after `seconds`."""
        with self._changing:
            if not self._is_taken:
                self._is_taken = True
                return True
            given = threading.Event()
            self._waiting.append(given)
        if given.wait(seconds):
            return True
        with self._changing:
            if given.is_set():
                return True
            self._waiting.remove(given)
            return False

    def give_back(self) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


_turns = Turns()
_own = threading.local()


@contextmanager
def turn() -> Iterator[None]:
    """Waits for this thread's turn, and gives it back afterwards."""
    _begin()
    try:
        yield
    finally:
        _end()


@contextmanager
def paused() -> Iterator[None]:
    """Gives the turn of this thread, if it has one, to others meanwhile."""
    had_turn = getattr(_own, "has_turn", False)
    if had_turn:
        _end()
    try:
        yield
    finally:
        if had_turn:
            _begin()


def _begin() -> None:
    _own.has_turn = _turns.take(LONGEST_WAIT)


def _end() -> None:
    if _own.has_turn:
        _own.has_turn = False
        _turns.give_back()
