"""Stands in front of the simulated providers: passes requests on, or misbehaves in their place."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

Fault = Callable[[socket.socket], None]
GOSSIP = "what-a-faulty-provider-wrote"
"""Is in every faulty body, so that a test sees whether one is passed on."""
SECONDS = 30


class Gate:
    """`bases`: where each host's requests go. `fault`: what happens instead. `tls`: how it speaks.

    `requests` are those that were read; `connections` counts all. Unless it `reads`, it answers immediately.
    """

    def __init__(self, bases: Mapping[str, str], tls: ssl.SSLContext | None = None) -> None:
        self.bases = bases
        self.tls = tls
        self.fault: Fault | None = None
        self.reads = True
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        """Ends what hangs."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    @property
    def upstreams(self) -> str:
        """As the setting PATCHBAY_UPSTREAMS."""
        base = f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"
        return ",".join(f"{host}={base}" for host in self.bases)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.refuse()

    def reset(self) -> None:
        """Passes everything on again."""
        self.over.set()
        self.over = threading.Event()
        self.fault = None
        self.reads = True
        self.requests.clear()
        self.connections = 0

    def refuse(self) -> None:
        """From now on nothing listens here."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def accept(self) -> None:
        """Listens again where it did."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._listen()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(SECONDS)
        with suppress(OSError), peer:
            if self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
            with peer:
                request = _read(peer) if self.reads else b""
                self.requests.append(request)
                (self.fault or self._pass_on(request))(peer)

    def _pass_on(self, request: bytes) -> Fault:
        def run(peer: socket.socket) -> None:
            address = urlsplit(self.bases[host_of(request)])
            with socket.create_connection((address.hostname, address.port), timeout=SECONDS) as other:
                other.sendall(request)
                while piece := other.recv(65536):
                    peer.sendall(piece)

        return run

    def hang(self, _peer: socket.socket) -> None:
        self.over.wait(SECONDS)

    def drip(self, peer: socket.socket) -> None:
        """A byte a second, from the first byte of the head on."""
        for byte in response(b"{}"):
            peer.sendall(bytes([byte]))
            if self.over.wait(1):
                return


def host_of(request: bytes) -> str:
    head = request.lower().split(b"\r\n\r\n")[0]
    return next(line for line in head.split(b"\r\n") if line.startswith(b"host:"))[5:].strip().decode()


def _read(peer: socket.socket) -> bytes:
    got = b""
    while b"\r\n\r\n" not in got:
        if not (piece := peer.recv(65536)):
            raise ConnectionError
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


def response(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    """The bytes of a response; `length` lies about the body."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {size}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sends(data: bytes) -> Fault:
    def run(peer: socket.socket) -> None:
        peer.sendall(data)

    return run


def endless(peer: socket.socket) -> None:
    """A gigabyte, as long as it is read."""
    piece = b'{"message": "' + GOSSIP.encode() * 5000
    peer.sendall(response(b"", length=2**30))
    for _ in range(2**30 // len(piece)):
        peer.sendall(piece)


def refusal(status: str, *headers: str) -> Fault:
    body = f'{{"message": "{GOSSIP}"}}'.encode()
    return sends(response(body, status, "Content-Type: application/json", *headers))


def faults(trap: str) -> dict[str, Fault]:
    """Responses of a failing provider, by name. `trap` is the target of the redirect."""
    html = f"<!doctype html><title>{GOSSIP}</title>".encode()
    bomb = gzip.compress(b"[" + b" " * 200_000_000 + b"]", compresslevel=1)
    return {
        "redirects": refusal("302 Found", f"Location: {trap}"),
        "a gigabyte": endless,
        "a gzip bomb": sends(response(bomb, "200 OK", "Content-Encoding: gzip")),
        "speaks no TLS or HTTP": sends(b"\x15\x03\x01\x00\x02\x02\x28"),
        "401": refusal("401 Unauthorized"),
        "403": refusal("403 Forbidden"),
        "429": refusal("429 Too Many Requests"),
        "429 for an hour": refusal("429 Too Many Requests", "Retry-After: 3600"),
        "500": refusal("500 Internal Server Error"),
        "HTML": sends(response(html, "200 OK", "Content-Type: text/html")),
        "half a JSON text": sends(response(b'{"message": "' + GOSSIP.encode())),
        "half a response": sends(response(b'{"message": ', length=5000)),
        "closes": sends(b""),
    }
