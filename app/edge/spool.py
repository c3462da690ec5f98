"""A buffer for a download: a thread writes the pieces of a response, and the event loop sends them.

The thread waits while it is far ahead of the client, so that a response that no client reads uses neither
memory nor processor time.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable

from app.core import computing

PART = 65_536
"""Bytes that are sent together; a client's progress is measured in them."""

MOST_AHEAD = 16_000
"""Bytes that may be written before the client has received the earlier ones."""


class Abandoned(Exception):
    """The response is not sent to its end: the client is gone, or was too slow."""


class BrokenOff(Exception):
    """The response failed while it was being made."""


class Spool:
    """A buffer that one thread writes to, and that the loop reads and closes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_close: Callable[[], None]) -> None:
        self._loop = loop
        self._on_close = on_close
        self._pieces: deque[bytes] = deque()
        self._ahead = 0
        self._is_closed = False
        self._is_done = self._has_failed = False
        self._changed = asyncio.Event()
        self._taken = threading.Condition()

    def write(self, piece: bytes) -> None:
        """Adds a piece; waits while the client is far behind. Raises Abandoned. Runs in the thread.

        Other threads may compute while it waits.
        """
        with computing.paused(), self._taken:
            self._taken.wait_for(self._is_near)
        with self._taken:
            if self._is_closed:
                raise Abandoned
            self._ahead += len(piece)
            self._pieces.append(piece)
        self._loop.call_soon_threadsafe(self._changed.set)

    def _is_near(self) -> bool:
        return self._is_closed or self._ahead <= MOST_AHEAD

    def finish(self) -> None:
        """Marks the response as complete. Runs in the thread."""
        self._is_done = True
        self._loop.call_soon_threadsafe(self._changed.set)

    def fail(self) -> None:
        """Marks the response as failed, instead of `finish`. Runs in the thread."""
        self._has_failed = True
        self.finish()

    async def pieces(self, gone: asyncio.Future[None]) -> AsyncIterator[bytes]:
        """Yields the pieces as they are written. Raises BrokenOff, and Abandoned once `gone` is done."""
        gone.add_done_callback(lambda _gone: self._changed.set())
        while True:
            self._changed.clear()
            is_done = self._is_done
            while self._pieces and not gone.done():
                piece = self._pieces.popleft()
                for start in range(0, len(piece), PART):
                    yield piece[start : start + PART]
                with self._taken:
                    self._ahead -= len(piece)
                    self._taken.notify()
            if gone.done():
                raise Abandoned
            if self._has_failed:
                raise BrokenOff
            if is_done:
                return
            await self._changed.wait()

    def close(self) -> None:
        with self._taken:
            was_closed, self._is_closed = self._is_closed, True
            self._pieces.clear()
            self._taken.notify()
        if not was_closed:
            self._on_close()
