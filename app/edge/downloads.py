"""Places for downloads, which are long responses: each occupies a thread until its client has received it."""

from __future__ import annotations

import threading
import time
from typing import TypeAlias

from cachetools import TTLCache

from app.core.errors import Busy
from app.edge.environ import Environ

MOST = 4
"""Concurrent downloads of one process."""

KNOWN_SECONDS = 60.0
MOST_KNOWN = 1000

MESSAGE = "Too many large downloads are under way. Try again in a moment."

_LIST = ("PATH_INFO", "QUERY_STRING", "HTTP_AUTHORIZATION", "HTTP_COOKIE")

Key: TypeAlias = tuple[str, ...]


class Downloads:
    """The places of a process, and the requests that are known to need one. Used by several threads."""

    def __init__(self) -> None:
        self._knowing = threading.Lock()  # the cache is not safe without one
        self._free = threading.BoundedSemaphore(MOST)
        self._long: TTLCache[Key, bool] = TTLCache(MOST_KNOWN, KNOWN_SECONDS, time.monotonic)

    def reserve(self) -> bool:
        """Reserves a place; the caller releases it. Returns False if none is free."""
        return self._free.acquire(blocking=False)

    def release(self) -> None:
        self._free.release()

    def refuse(self, request: Environ) -> Busy:
        """Returns the error for a download without a place, and remembers that the request needs one."""
        with self._knowing:
            self._long[_key(request)] = True
        return Busy(MESSAGE)

    def expect_place(self, request: Environ) -> None:
        """Raises Busy if the response was a download when last requested, and no place is free."""
        with self._knowing:
            is_long = _key(request) in self._long
        if is_long and not self._has_free():
            raise Busy(MESSAGE)

    def _has_free(self) -> bool:
        if is_free := self.reserve():
            self.release()
        return is_free


def _key(request: Environ) -> Key:
    return tuple(request.get(name, "") for name in _LIST)
