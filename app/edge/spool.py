"""A long response on its way: a thread writes it to a file, and the loop sends it from there.

The thread waits when it is far ahead of the client, so that lists that no client reads cost no CPU time.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable

PIECE = 65_536

MOST_AHEAD = 250_000
"""Bytes that may be written before the client has taken them."""


class Abandoned(Exception):
    """Nothing more of it is sent: the client is gone, or was too slow."""


class BrokenOff(Exception):
    """What made the response failed in the middle of it."""


class Spool:
    """Written by one thread, read by the loop, which closes it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_close: Callable[[], None]) -> None:
        self._loop = loop
        self._on_close = on_close
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._written = self._sent = 0
        self._is_closed = False
        self._is_done = self._has_failed = False
        self._changed = asyncio.Event()
        self._taken = threading.Condition()

    def write(self, piece: bytes) -> None:
        """In the thread. Waits until the client is near; raises Abandoned."""
        with self._taken:
            self._taken.wait_for(self._is_near)
        try:
            self._file.write(piece)
            self._file.flush()
        except ValueError:
            raise Abandoned from None
        self._written += len(piece)
        self._loop.call_soon_threadsafe(self._changed.set)

    def _is_near(self) -> bool:
        return self._is_closed or self._written - self._sent <= MOST_AHEAD

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
            while self._sent < self._written and not gone.done():
                piece = os.pread(self._file.fileno(), PIECE, self._sent)
                yield piece
                with self._taken:
                    self._sent += len(piece)
                    self._taken.notify()
            if gone.done():
                raise Abandoned
            if self._has_failed:
                raise BrokenOff
            if is_done:
                return
            await self._changed.wait()

    def close(self) -> None:
        self._file.close()
        with self._taken:
            self._is_closed = True
            self._taken.notify()
        self._on_close()
