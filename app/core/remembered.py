"""What one process keeps for a while, because asking for it again costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable


class Remembered:
    """Texts by key, each for so many seconds at most. All are forgotten when there are too many."""

    def __init__(self, *, seconds: float, most: int = 500) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._known: dict[Hashable, tuple[str, float]] = {}

    def get(self, key: Hashable) -> str | None:
        with self._lock:
            text, end = self._known.get(key, ("", 0.0))
        return text if time.monotonic() < end else None

    def keep(self, key: Hashable, text: str, seconds: float | None = None) -> None:
        life = self._seconds if seconds is None else min(seconds, self._seconds)
        with self._lock:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = (text, time.monotonic() + life)

    def forget(self, key: Hashable) -> None:
        with self._lock:
            self._known.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._known.clear()
