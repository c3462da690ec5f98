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
    for connection in _connections(server, client):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def duplicate(server: Address, client: Address) -> socket.socket | None:
    """Returns a second socket of this process's connection between two addresses.

    Returns None if there is no connection. The caller closes the socket.
    """
    with suppress(OSError):
        for connection in _connections(server, client):
            return connection.dup()
    return None


def unacknowledged(connection: socket.socket) -> int:
    """Returns how many bytes the kernel stores until the client acknowledges them; 0 if unknown."""
    buffer = bytes(4)
    with suppress(OSError):
        buffer = fcntl.ioctl(connection, termios.TIOCOUTQ, buffer)
    return int(struct.unpack("i", buffer)[0])


def _connections(server: Address, client: Address) -> Iterator[socket.socket]:
    """Yields this process's sockets between two addresses."""
    for connection in _sockets(server):
        with suppress(OSError):
            if _text(connection.getpeername()) == _text(client):
                yield connection


def _sockets(server: Address) -> Iterator[socket.socket]:
    """Yields this process's sockets at the port of `server`, as duplicates that it closes again."""
    for file in Path("/dev/fd").iterdir():
        with suppress(OSError), _duplicate(int(file.name)) as duplicate_socket:
            if duplicate_socket.family in (
                socket.AF_INET,
                socket.AF_INET6,
            ) and duplicate_socket.getsockname()[1] == int(server[1]):
                yield duplicate_socket


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
