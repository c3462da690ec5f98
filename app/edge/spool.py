"""A long response on its way: a thread writes its pieces, and the loop sends them.

The thread waits when it is far ahead of the client, so that lists that no client reads cost neither memory
nor processor time.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable

from app.core import computing

PART = 65_536
"""Bytes that are sent as one: a client's progress is measured in them."""

MOST_AHEAD = 16_000
"""Bytes that may be written before the client has taken those before them."""


class Abandoned(Exception):
    """Nothing more of it is sent: the client is gone, or was too slow."""


class BrokenOff(Exception):
    """What made the response failed in the middle of it."""


class Spool:
    """Written by one thread, read by the loop, which closes it."""

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
        """In the thread. Waits until the client is near, and lets other threads compute; raises Abandoned."""
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
        """In the thread, after the last piece."""
        self._is_done = True
        self._loop.call_soon_threadsafe(self._changed.set)

    def fail(self) -> None:
        """In the thread, instead of `finish`."""
        self._has_failed = True
        self.finish()

    async def pieces(self, gone: asyncio.Future[None]) -> AsyncIterator[bytes]:
        """What is written, as it is written. Raises BrokenOff, and Abandoned once `gone` is done."""
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
