"""Limits how many threads of a process run Python code at a time to one.

Python's lock (the GIL) admits one anyway. With twelve threads that wait for it, the event loop, which needs
it only briefly, acquires it late.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_WAIT = 0.3
"""Seconds that a thread waits for its turn. A longer turn is not spent computing, but waiting for a
database, for example."""


class Turns:
    """A lock that threads acquire in the order of their requests."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, seconds: float) -> bool:
        """Acquires the lock. Returns False if it is not free within `seconds`."""
        with self._changing:
            if not self._is_taken:
                self._is_taken = True
                return True
            granted = threading.Event()
            self._waiting.append(granted)
        if granted.wait(seconds):
            return True
        with self._changing:
            if granted.is_set():
                return True
            self._waiting.remove(granted)
            return False

    def release(self) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False


_turns = Turns()
_this_thread = threading.local()


@contextmanager
def turn() -> Iterator[None]:
    """Runs the block in this thread's turn, or without one after `LONGEST_WAIT`."""
    _acquire_turn()
    try:
        yield
    finally:
        _release_turn()


@contextmanager
def paused() -> Iterator[None]:
    """Releases this thread's turn, if it has one, while the block runs."""
    had_turn = getattr(_this_thread, "has_turn", False)
    if had_turn:
        _release_turn()
    try:
        yield
    finally:
        if had_turn:
            _acquire_turn()


def _acquire_turn() -> None:
    _this_thread.has_turn = _turns.acquire(LONGEST_WAIT)


def _release_turn() -> None:
    if _this_thread.has_turn:
        _this_thread.has_turn = False
        _turns.release()
