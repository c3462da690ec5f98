"""A client's connection: closes it, and measures how much of what was sent has arrived.

ASGI can do neither, and granian owns the sockets, so this process's descriptors are searched.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

Address = tuple[Any, Any]


def close(server: Address, client: Address) -> None:
    """Shuts down this process's connection between two addresses; the client sees it end."""
    for found in _connections(server, client):
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


def duplicate(server: Address, client: Address) -> socket.socket | None:
    """Returns a second socket of this process's connection between two addresses.

    Returns None if there is no connection. The caller closes the socket.
    """
    with suppress(OSError):
        for found in _connections(server, client):
            return found.dup()
    return None


def unacknowledged(connection: socket.socket) -> int:
    """Returns how many bytes the kernel stores until the client acknowledges them; 0 if unknown."""
    held = bytes(4)
    with suppress(OSError):
        held = fcntl.ioctl(connection, termios.TIOCOUTQ, held)
    return int(struct.unpack("i", held)[0])


def _connections(server: Address, client: Address) -> Iterator[socket.socket]:
    """Yields this process's sockets between two addresses."""
    for found in _sockets(server):
        with suppress(OSError):
            if _text(found.getpeername()) == _text(client):
                yield found


def _sockets(server: Address) -> Iterator[socket.socket]:
    """Yields this process's sockets at the port of `server`, as duplicates that it closes again."""
    for file in Path("/dev/fd").iterdir():
        with suppress(OSError), _duplicate(int(file.name)) as found:
            if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockname()[1] == int(server[1]):
                yield found


def _duplicate(descriptor: int) -> socket.socket:
    """Returns a second socket of the descriptor. Raises OSError if it is not a socket."""
    duplicate = os.dup(descriptor)
    try:
        return socket.socket(fileno=duplicate)
    except OSError:
        os.close(duplicate)  # `socket` owns the descriptor only if it succeeds.
        raise


def _text(address: tuple[Any, ...]) -> tuple[str, str]:
    return str(address[0]), str(address[1])
