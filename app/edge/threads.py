"""The threads that run Flask. Some are reserved for the dialer's queries, however busy the others are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from app.core import computing

FOR_QUERIES = 4
FOR_OTHERS = 12
"""Threads of each process."""

MOST_WAITING = 256
"""How many requests of a kind may wait for a thread. One more is refused immediately."""


class Threads:
    """Calls `work` with the arguments of each `put`, in one of `count` threads; it must not raise."""

    def __init__(self, name: str, count: int, work: Callable[..., None]) -> None:
        self._name = name
        self._count = count
        self._work = work
        self._waiting: SimpleQueue[tuple[Any, ...]] = SimpleQueue()
        self._has_started = False

    def put(self, *arguments: Any) -> bool:
        """Queues a call. Returns False if too many are waiting. Called by one thread alone."""
        if not self._has_started:
            self._has_started = True
            for number in range(self._count):
                threading.Thread(target=self._run, name=f"{self._name} {number}", daemon=True).start()
        if self._waiting.qsize() >= MOST_WAITING:
            return False
        self._waiting.put(arguments)
        return True

    def _run(self) -> None:
        while True:
            arguments = self._waiting.get()
            with computing.turn():
                self._work(*arguments)
            del arguments  # with the request, which may be large
