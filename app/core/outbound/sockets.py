"""Connections whose reads and writes share one deadline and one size limit."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from app.core.outbound.addresses import Address


class TooLarge(Exception):
    pass


class Meter:
    """The remaining time of a call, and the bytes that it may still receive."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._end = time.monotonic() + seconds
        self._most = most_bytes
        self.refill()

    def refill(self) -> None:
        self._room = self._most

    def left(self) -> float:
        """Returns the remaining seconds. Raises TimeoutError if there are none."""
        if (seconds := self._end - time.monotonic()) > 0:
            return seconds
        raise TimeoutError

    def allows(self, seconds: float) -> bool:
        return time.monotonic() + seconds < self._end

    def count(self, received: int) -> None:
        self._room -= received
        if self._room < 0:
            raise TooLarge


class _Socket(socket.socket):
    """A socket whose timeouts shrink to the remaining deadline, so that a slow drip cannot extend it."""

    meter: Meter

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.meter.left())
        received = super().recv_into(buffer, nbytes or len(buffer), flags)
        self.meter.count(received)
        return received

    def send(self, data: Any, flags: int = 0) -> int:
        self.settimeout(self.meter.left())
        return super().send(data, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.settimeout(self.meter.left())
        super().sendall(data, flags)


class TlsSocket(_Socket, ssl.SSLSocket):
    pass


@dataclass(frozen=True)
class Line:
    """The checked addresses of a host: no other address is dialled."""

    addresses: Sequence[Address]
    port: int
    meter: Meter

    def dial(self) -> _Socket:
        """Returns a connection to the first address that accepts one. Raises the OSError of the last."""
        refusal: OSError = ConnectionError()
        for place, address in enumerate(self.addresses):
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            connection = _Socket(family, socket.SOCK_STREAM)
            connection.meter = self.meter
            try:
                connection.settimeout(self.meter.left() / (len(self.addresses) - place))
                connection.connect((str(address), self.port))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.settimeout(self.meter.left())
            except OSError as error:
                connection.close()
                refusal = error
            else:
                return connection
        raise refusal


class Plain(HTTPConnection):
    line: Line

    def _new_conn(self) -> socket.socket:
        return self.line.dial()


class Tls(HTTPSConnection):
    """Verifies the certificate for the host name, not for the dialled address."""

    line: Line

    def _new_conn(self) -> socket.socket:
        return self.line.dial()

    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, TlsSocket)  # noqa: S101 (the deadline needs it)
        self.sock.meter = self.line.meter
