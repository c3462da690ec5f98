"""How many requests may wait for their bodies at once, so that those who send slowly stop nobody else.

A server's threads are few, and the body of a request is read in one: without this, a handful of
connections that never send what they announced would have them all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, TypeVar

from flask import Flask

from app.core.errors import Busy

READERS = 8
"""Half of the server's threads: the command line says how many those are."""

PATIENCE = 1.0
"""Seconds to wait for a turn."""

Read = TypeVar("Read")


class Body:
    """A request's body as the server gives it; every read takes a turn."""

    def __init__(self, body: BinaryIO, turns: threading.BoundedSemaphore) -> None:
        self._body = body
        self._turns = turns

    def _in_turn(self, read: Callable[..., Read], *arguments: Any) -> Read:
        if not self._turns.acquire(timeout=PATIENCE):
            raise Busy("Too many requests are being sent right now. Try again in a moment.")
        try:
            return read(*arguments)
        finally:
            self._turns.release()

    def read(self, *arguments: Any) -> bytes:
        return self._in_turn(self._body.read, *arguments)

    def readline(self, *arguments: Any) -> bytes:
        return self._in_turn(self._body.readline, *arguments)

    def readlines(self, *arguments: Any) -> list[bytes]:
        return self._in_turn(self._body.readlines, *arguments)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")


def init_app(app: Flask) -> None:
    turns = threading.BoundedSemaphore(READERS)
    inner = app.wsgi_app

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = Body(environ["wsgi.input"], turns)
        return inner(environ, start_response)

    app.wsgi_app = serve  # type: ignore[method-assign]
