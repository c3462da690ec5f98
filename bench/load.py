"""A load generator in its own process: keep-alive connections that send the next request after each response.

    python -m bench.load HOST PORT CONNECTIONS SECONDS < request

Prints JSON: requests answered, seconds taken, and the share of a core that asking took. Above 0.9
the load was the limit and not the server. Any answer but a 200 as long as the first one ends it.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time

MOST_REQUESTS = 1_000_000


def run(address: tuple[str, int], request: bytes, connections: int, seconds: float) -> dict[str, float]:
    length = _first_answer(address, request)
    waiting = selectors.DefaultSelector()
    sockets = [_connect(address) for _ in range(connections)]
    for connection in sockets:
        waiting.register(connection, selectors.EVENT_READ, data=0)
    answered, cpu, start = 0, time.process_time(), time.perf_counter()
    for connection in sockets:
        connection.sendall(request)
    while time.perf_counter() - start < seconds and answered < MOST_REQUESTS:
        ready = waiting.select(timeout=5)
        if not ready:
            raise SystemExit("No answer for five seconds.")
        for key, _ in ready:
            answered += _receive(waiting, key, request, length)
    taken = time.perf_counter() - start
    busy = (time.process_time() - cpu) / taken
    for connection in sockets:
        connection.close()
    return {"answered": answered, "seconds": taken, "busy": busy}


def _connect(address: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(address, timeout=5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _first_answer(address: tuple[str, int], request: bytes) -> int:
    """Length of a complete response, headers included; all others must have the same."""
    with _connect(address) as connection:
        connection.sendall(request)
        answer = connection.recv(65536)
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(65536)
        head, _, body = answer.partition(b"\r\n\r\n")
        _demand_ok(head)
        size = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        while len(body) < size:
            body += connection.recv(65536)
    return len(head) + 4 + size


def _receive(waiting: selectors.BaseSelector, key: selectors.SelectorKey, request: bytes, length: int) -> int:
    """Reads what has arrived, and sends the next request if the response is complete: 1, else 0."""
    connection = key.fileobj
    assert isinstance(connection, socket.socket)
    data = connection.recv(65536)
    if key.data == 0:
        _demand_ok(data)
    received = key.data + len(data)
    if received > length:
        raise SystemExit("An answer is longer than the first one was.")
    if received < length:
        waiting.modify(connection, selectors.EVENT_READ, data=received)
        return 0
    if key.data:
        waiting.modify(connection, selectors.EVENT_READ, data=0)
    connection.sendall(request)
    return 1


def _demand_ok(head: bytes) -> None:
    if not head.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"The server answered {head[:200]!r}.")


if __name__ == "__main__":
    host, port, connections, seconds = sys.argv[1:]
    result = run((host, int(port)), sys.stdin.buffer.read(), int(connections), float(seconds))
    print(json.dumps(result))
