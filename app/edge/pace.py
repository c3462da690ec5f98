"""Limits how far a download may be ahead of its client: little at first, more while the client keeps up."""

from __future__ import annotations

import asyncio
import socket

from app.edge import connections
from app.edge.connections import Address

FIRST_AHEAD, MOST_AHEAD = 8_000, 64_000
"""Bytes that the client has not acknowledged. Its kernel acknowledges bytes when it has room for them.

Without this limit, granian accepts 256 kB of a list for a client that reads nothing.
"""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.001, 0.1
"""Seconds between two measurements of the connection."""


class Pace:
    """The pace of one download. It does not wait if the connection is not found."""

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._ahead = FIRST_AHEAD

    async def find(self, server: Address, client: Address) -> None:
        """Finds the connection between two addresses, in a thread: it takes milliseconds."""
        self._connection = await asyncio.to_thread(connections.duplicate, server, client)

    async def wait(self, gone: asyncio.Future[None]) -> None:
        """Waits until the client has received most of what was sent, or `gone` is done."""
        if self._connection is None:
            return
        pause = SHORTEST_PAUSE
        while connections.unacknowledged(self._connection) > self._ahead and not gone.done():
            await asyncio.wait({gone}, timeout=pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        self._ahead = min(2 * self._ahead, MOST_AHEAD)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
