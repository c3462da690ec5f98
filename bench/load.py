"""A load generator in its own process: keep-alive connections that send the next request after each response.

    python -m bench.load HOST PORT CONNECTIONS SECONDS < requests

The requests are sent in turn. Prints JSON: requests answered, seconds taken, and the share of a core that
sending took. Above 0.9 the load was the limit and not the server. Any response with another status line or
length than the first one ends it.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

MOST_REQUESTS = 1_000_000
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Expected:
    """The first line of every response, and its length with headers and body."""

    begin: bytes
    length: int


def run(
    address: tuple[str, int], requests: list[bytes], connections: int, seconds: float
) -> dict[str, float]:
    expected = _first_response(address, requests[0])
    waiting = selectors.DefaultSelector()
    sockets = [_connect(address) for _ in range(connections)]
    for connection in sockets:
        waiting.register(connection, selectors.EVENT_READ, data=0)
    turns = cycle(requests)
    answered, cpu, start = 0, time.process_time(), time.perf_counter()
    for connection in sockets:
        connection.sendall(next(turns))
    while time.perf_counter() - start < seconds and answered < MOST_REQUESTS:
        ready = waiting.select(timeout=5)
        if not ready:
            raise SystemExit("No response for five seconds.")
        for key, _ in ready:
            answered += _receive(waiting, key, turns, expected)
    elapsed = time.perf_counter() - start
    busy = (time.process_time() - cpu) / elapsed
    for connection in sockets:
        connection.close()
    return {"answered": answered, "seconds": elapsed, "busy": busy}


def _connect(address: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(address, timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _first_response(address: tuple[str, int], request: bytes) -> Expected:
    with _connect(address) as connection:
        connection.sendall(request)
        response = connection.recv(65536)
        while END not in response:
            response += connection.recv(65536)
        head, _, body = response.partition(END)
        begin, _, headers = head.partition(b"\r\n")
        if begin.split()[1] not in (b"200", b"304"):
            raise SystemExit(f"The server responded {head[:200]!r}.")
        lines = (line.lower().partition(b":") for line in headers.split(b"\r\n"))
        size = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
        size = 0 if b" 304 " in begin else size
        while len(body) < size:
            body += connection.recv(65536)
    return Expected(begin, len(head) + len(END) + size)


def _receive(
    waiting: selectors.BaseSelector, key: selectors.SelectorKey, turns: Iterator[bytes], expected: Expected
) -> int:
    """Reads received data. Sends the next request and returns 1 if the response is complete; else 0."""
    connection = key.fileobj
    assert isinstance(connection, socket.socket)
    data = connection.recv(65536)
    if key.data == 0 and not data.startswith(expected.begin):
        raise SystemExit(f"The server responded {data[:200]!r}.")
    received = key.data + len(data)
    if received > expected.length:
        raise SystemExit("A response is longer than the first one was.")
    if received < expected.length:
        waiting.modify(connection, selectors.EVENT_READ, data=received)
        return 0
    if key.data:
        waiting.modify(connection, selectors.EVENT_READ, data=0)
    connection.sendall(next(turns))
    return 1


if __name__ == "__main__":
    host, port, connections, seconds = sys.argv[1:]
    requests = [request + END for request in sys.stdin.buffer.read().split(END) if request]
    print(json.dumps(run((host, int(port)), requests, int(connections), float(seconds))))
