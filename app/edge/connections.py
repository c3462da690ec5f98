"""What ASGI has no word for: the sockets of clients. granian owns them, so they are looked for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

Address = tuple[Any, Any]


def close(server: Address, client: Address) -> None:
    """Shuts down this process's connection between the two; the client sees it end."""
    for found in _sockets(server):
        with suppress(OSError):
            if _text(found.getpeername()) == _text(client):
                found.shutdown(socket.SHUT_RDWR)


def _sockets(server: Address) -> Iterator[socket.socket]:
    """This process's sockets at the port of `server`."""
    for file in Path("/dev/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(file.name))) as found:
            if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockname()[1] == int(server[1]):
                yield found


def _text(address: tuple[Any, ...]) -> tuple[str, str]:
    return str(address[0]), str(address[1])
