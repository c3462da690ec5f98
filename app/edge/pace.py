"""How far a download may be ahead of its client: little at first, and more each time it has kept up."""

from __future__ import annotations

import asyncio
import socket

from app.edge import connections
from app.edge.connections import Address

FIRST_AHEAD, MOST_AHEAD = 8_000, 64_000
"""Bytes that the client has not acknowledged, as its kernel does when it has room for them.

Without this limit, granian takes 256 kB from a list for a client that reads nothing.
"""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.001, 0.1
"""Seconds between two looks at the connection."""


class Pace:
    """Of one download. Does not wait if the connection is not found."""

    def __init__(self) -> None:
        self._connection: socket.socket | None = None
        self._ahead = FIRST_AHEAD

    async def find(self, server: Address, client: Address) -> None:
        """Finds the connection between the two, in a thread: among 1,000 it takes some milliseconds."""
        self._connection = await asyncio.to_thread(connections.duplicate, server, client)

    async def wait(self, gone: asyncio.Future[None]) -> None:
        """Waits until the client has most of what was sent, or `gone` is done."""
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
