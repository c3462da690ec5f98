"""Reads the bodies of requests: a body is whole, or refused, before its request is assigned a thread.

The error of a refused body is raised when a view reads it, so that a missing token is a 401 even if the
body is too large. Without a session or a token the limit is low.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from app.core.errors import Busy, Malformed, PatchbayError, TooLarge, TooSlow, UnsupportedMedia
from app.edge import deadlines
from app.edge.environ import Environ

IN_MEMORY = 500_000
"""Bytes of one body; a larger one is stored in a temporary file."""

ANONYMOUS = 20_000_000
KNOWN = 200_000_000
"""Bytes of unfinished bodies in one process: of anonymous senders, and of authenticated ones."""

DISCARDED = 1_000_000
"""Bytes beyond the limit that are read and dropped, so that the sender can read the refusal."""

Receive = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Limit:
    """How many bytes the sender of a request may send. `is_known`: the sender is authenticated."""

    size: int
    is_known: bool


class Refused(io.RawIOBase):
    """Replaces a body that was not accepted: reading it raises the reason."""

    def __init__(self, reason: PatchbayError) -> None:
        super().__init__()
        self._reason = reason

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: object) -> int:
        raise self._reason


@dataclass
class Body:
    """A body. `is_whole` is False if parts may still arrive: the connection must be closed then."""

    file: BinaryIO | Refused
    size: int = 0
    is_whole: bool = True
    _release: Callable[[], None] = field(default=lambda: None, repr=False)

    def close(self) -> None:
        self.file.close()
        self._release()


def too_large(limit: Limit) -> TooLarge:
    most = f"{limit.size / 1e6:.3g} MB" if limit.size >= 1_000_000 else f"{limit.size / 1e3:.3g} kB"
    if limit.is_known:
        return TooLarge(f"The request is too large: at most {most} can be sent here. Nothing was changed.")
    return TooLarge(f"The request is too large: without signing in, at most {most} can be sent here.")


class Bodies:
    """Reads bodies, for one process."""

    def __init__(self, limit_of: Callable[[Environ], Limit]) -> None:
        self._limit_of = limit_of
        self._held = {True: 0, False: 0}
        """Bytes of unfinished bodies: of authenticated senders, of anonymous ones."""

    async def read(self, environ: Environ, receive: Receive) -> Body:
        """Returns the body, and sets its length in the environment. Never raises: see `Refused`."""
        codings = {coding.strip().lower() for coding in environ.pop("HTTP_TRANSFER_ENCODING", "").split(",")}
        is_chunked = codings != {""}
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if not is_chunked and not length:
            return Body(io.BytesIO())
        limit = environ["patchbay.limit"] = self._limit_of(environ)
        reader = _Reader(self._held, limit, None if is_chunked else length)
        if codings - {"", "chunked"}:
            body = reader.refused(UnsupportedMedia("Send the body uncompressed, without Transfer-Encoding."))
        else:
            body = await _read_in_time(reader, receive, limit)
        if not body.is_whole:
            environ["CONTENT_LENGTH"] = str(body.size or length or 1)
        elif is_chunked:
            environ["CONTENT_LENGTH"] = str(body.size)
            body.is_whole = False
        return body


async def _read_in_time(reader: _Reader, receive: Receive, limit: Limit) -> Body:
    try:
        async with asyncio.timeout(_seconds(limit)):
            return await reader.read(receive)
    except TimeoutError:
        return reader.refused(TooSlow("The request took too long to arrive, and was not carried out."))


def _seconds(limit: Limit) -> float:
    return deadlines.BODY + limit.size / deadlines.BYTES_A_SECOND


class _Reader:
    """Reads one body."""

    def __init__(self, unfinished: dict[bool, int], limit: Limit, length: int | None) -> None:
        self._held = unfinished
        self._limit = limit
        self._length = length
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (Body closes it)
        self._size = 0
        self._reserved = 0

    async def read(self, receive: Receive) -> Body:
        if self._length is not None and self._length > self._limit.size + DISCARDED:
            return self.refused(too_large(self._limit))
        while self._size != self._length:
            async with asyncio.timeout(deadlines.BODY_SILENT):
                message = await receive()
            if message["type"] == "http.disconnect":
                return self.refused(Malformed("The request ended before all of it had arrived."))
            if reason := self._store(message.get("body", b"")):
                return self.refused(reason)
            if not message.get("more_body"):
                break
        if self._size > self._limit.size:
            return self.refused(too_large(self._limit))
        self._file.seek(0)
        return Body(self._file, self._size, _release=self._release)

    def _store(self, piece: bytes) -> PatchbayError | None:
        """Stores the piece, or returns why not. Beyond the limit, pieces are only counted."""
        self._size += len(piece)
        if self._size > self._limit.size:
            return too_large(self._limit) if self._size > self._limit.size + DISCARDED else None
        kind = self._limit.is_known
        if self._held[kind] + len(piece) > (KNOWN if kind else ANONYMOUS):
            return Busy("Too many requests are being sent right now. Try again in a moment.")
        self._held[kind] += len(piece)
        self._reserved += len(piece)
        self._file.write(piece)
        return None

    def refused(self, reason: PatchbayError) -> Body:
        self._file.close()
        self._release()
        return Body(Refused(reason), self._size, is_whole=False)

    def _release(self) -> None:
        self._held[self._limit.is_known] -= self._reserved
        self._reserved = 0
