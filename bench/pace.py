"""Requests at a steady rate, from its own process: times from each request's scheduled start.

    python -m bench.pace HOST PORT PER_SECOND SECONDS < request

Prints JSON: the seconds of each request, and how many were not answered with 200 in time. A request that
could not be sent because an earlier one on its connection was late is counted from its turn on, as a caller
would be who waits.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from contextlib import suppress

CONNECTIONS = 16
LATEST = 20.0
"""Seconds after which a request counts as unanswered."""


class Dialer(threading.Thread):
    """One keep-alive connection, which is reopened if it is lost."""

    def __init__(self, address: tuple[str, int], request: bytes, turns: list[float]) -> None:
        super().__init__(daemon=True)
        self._address, self._request, self._turns = address, request, turns
        self._connection: socket.socket | None = None
        self.taken: list[float] = []
        self.failed = 0

    def run(self) -> None:
        for turn in self._turns:
            time.sleep(max(0.0, turn - time.monotonic()))
            try:
                is_ok = self._send()
            except OSError:
                is_ok = False
                self._close()
            if is_ok:
                self.taken.append(time.monotonic() - turn)
            else:
                self.failed += 1
        self._close()

    def _send(self) -> bool:
        if self._connection is None:
            self._connection = socket.create_connection(self._address, timeout=LATEST)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(self._request)
        head, _, body = self._receive().partition(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        while len(body) < length:
            body += self._receive()
        return head.startswith(b"HTTP/1.1 200 ")

    def _receive(self) -> bytes:
        assert self._connection is not None
        data = self._connection.recv(65536)
        if not data:
            raise ConnectionResetError
        return data

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None


def _length(head: bytes) -> int:
    """Returns the length of the body that the headers announce."""
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return next(int(value) for name, _, value in lines if name.lower() == b"content-length")


def run(address: tuple[str, int], request: bytes, per_second: float, seconds: float) -> dict[str, object]:
    start = time.monotonic() + 0.1
    turns = [start + number / per_second for number in range(int(per_second * seconds))]
    dialers = [Dialer(address, request, turns[place::CONNECTIONS]) for place in range(CONNECTIONS)]
    for dialer in dialers:
        dialer.start()
    for dialer in dialers:
        dialer.join()
    durations = [seconds for dialer in dialers for seconds in dialer.taken]
    return {"taken": durations, "failed": sum(dialer.failed for dialer in dialers)}


if __name__ == "__main__":
    host, port, per_second, seconds = sys.argv[1:]
    result = run((host, int(port)), sys.stdin.buffer.read(), float(per_second), float(seconds))
    print(json.dumps(result))
