"""The ASGI application: receives requests, has Flask respond to them, and sends the responses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import structlog
from flask import Flask

from app import cors, security
from app.api import responses
from app.core import paths
from app.edge import connections, deadlines, environ, refused, threads
from app.edge.bodies import Bodies, Limit, Receive
from app.edge.downloads import Downloads
from app.edge.environ import Environ, Scope
from app.edge.pace import Pace
from app.edge.response import Response, encoded
from app.edge.shortcut import Shortcut
from app.edge.spool import Abandoned, BrokenOff, Spool
from app.edge.threads import Threads

log = structlog.get_logger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
WsgiHeaders = list[tuple[str, str]]

IN_MEMORY = 250_000
"""Bytes of a response that is sent from memory; a larger one is a download."""

FIRST_PIECES = 12
"""Pieces of a response whose length is unknown. One with more is a download: making it would be in vain while
no place is free. Bytes do not show the work, since they may be compressed."""

BEGIN = 2
"""Pieces of a download with a place that are made before it is sent. Few, as a client may read none."""

QUERIES = frozenset({"/api/calls/providers", "/api/settings/endpoints/resolve", "/healthz"})
"""Paths that a dialer requests on every call, and a monitor; some threads are reserved for them."""

_WORDS = {
    414: ("URI_TOO_LONG", "The address is too long."),
    431: ("HEADERS_TOO_LARGE", "The headers of the request are too large."),
    500: ("INTERNAL_ERROR", "Something went wrong here."),
    503: ("BUSY", "Too many requests are waiting. Try again in a moment."),
}


class _NoPlace(Exception):
    """The response is a download, and no place is free."""


@dataclass
class Reply:
    """Passes the response from a thread to the event loop."""

    loop: asyncio.AbstractEventLoop
    ready: asyncio.Future[Response] = field(init=False)
    response: Response | None = None

    def __post_init__(self) -> None:
        self.ready = self.loop.create_future()

    def start(self, response: Response) -> None:
        """Sets the response. Called once, in the thread."""
        self.response = response
        self.loop.call_soon_threadsafe(self.ready.set_result, response)


class Edge:
    """Serves `app`. `limit_of` returns how many bytes the sender of a request may send."""

    def __init__(self, app: Flask, limit_of: Callable[[Environ], Limit]) -> None:
        self._app = app
        self._origins: Collection[str] = app.extensions["patchbay_settings"].cors_origins
        self._shortcut = Shortcut(app)
        self._bodies = Bodies(limit_of)
        self._for_queries = Threads("query", threads.FOR_QUERIES, self._handle)
        self._for_others = Threads("request", threads.FOR_OTHERS, self._handle)
        self._downloads = Downloads()
        self._sign_ins = refused.SignIns(app.extensions["patchbay_hashing"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = environ.new_id()
        try:
            await self._serve(scope, receive, send, request_id)
        except Exception:
            log.exception("edge.failed", request_id=request_id)
            response = self._plain(500, scope["path"], environ.origin(scope), request_id)
            await _send(send, response, request_id, closes=True)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        origin = environ.origin(scope)
        if status := environ.refusal(scope):
            await _send(send, self._plain(status, scope["path"], origin, request_id), request_id, closes=True)
            return
        if response := await self._shortcut.find(scope):
            await _send(send, response, request_id, closes=False)
            return
        request = environ.of(scope) | {environ.REQUEST_ID: request_id}
        body = await self._bodies.read(request, receive)
        request["wsgi.input"] = body.file
        reply = Reply(asyncio.get_running_loop())
        try:
            response = self._sign_ins.find(request)
            if response is None and self._threads_for(scope).put(request, reply):
                response = await reply.ready
            response = response or self._plain(503, scope["path"], origin, request_id)
        finally:
            body.close()
        if isinstance(response.body, bytes):
            self._shortcut.remember(scope, request, response)
            self._sign_ins.remember(request, response)
            await _send(send, response, request_id, closes=not body.is_whole)
        else:
            await _deliver(response, response.body, scope, receive, send, request_id=request_id)

    def _plain(self, status: int, path: str, origin: str | None, request_id: str) -> Response:
        """Returns an error response that is made without Flask."""
        code, message = _WORDS[status]
        headers = [
            *security.HEADERS,
            *cors.headers_for(self._origins, origin, path),
            ("Content-Security-Policy", security.API_POLICY),
            ("Cache-Control", "no-store"),
            *([("Retry-After", "5")] if status == 503 else []),
        ]
        if paths.is_api(path):
            body = {"success": False, "error": message, "code": code}
            text = json.dumps(body | ({"id": request_id} if status == 500 else {}))
            return Response(status, encoded([*headers, ("Content-Type", responses.JSON)]), text.encode())
        headers.append(("Content-Type", "text/plain; charset=utf-8"))
        return Response(status, encoded(headers), f"{message}\n".encode())

    def _threads_for(self, scope: Scope) -> Threads:
        is_query = scope["path"] in QUERIES and scope["method"] in ("GET", "HEAD", "OPTIONS")
        return self._for_queries if is_query else self._for_others

    def _handle(self, request: Environ, reply: Reply) -> None:
        """Has Flask respond to the request; runs in a thread.

        If that fails before the response has begun, Flask responds with its page for errors.
        """
        retry, request_id = dict(request), request[environ.REQUEST_ID]
        try:
            if "patchbay.failure" not in request:
                self._downloads.expect_place(request)
            self._respond(request, reply)
        except Abandoned:
            pass
        except Exception as error:
            if reply.response is not None:
                log.exception("response.broken_off", request_id=request_id)
            elif "patchbay.failure" in request:
                log.exception("request.failed", request_id=request_id)
                origin = request.get("HTTP_ORIGIN")
                reply.start(self._plain(500, request["PATH_INFO"], origin, request_id))
            else:
                self._handle(retry | {"patchbay.failure": error}, reply)

    def _respond(self, request: Environ, reply: Reply) -> None:
        status, headers, pieces = _call(self._app, request)
        try:
            self._reply_with(status, headers, iter(pieces), reply)
        except _NoPlace as reason:
            raise self._downloads.refuse(request) from reason
        finally:
            _close(pieces)

    def _reply_with(self, status: int, headers: WsgiHeaders, pieces: Iterator[bytes], reply: Reply) -> None:
        """Starts the reply: with the whole response if it is short, otherwise with a stream."""
        is_streamed = _is_streamed(status, headers)
        with ExitStack() as places:
            has_place = is_streamed and self._reserve_place(places)
            most = None if not is_streamed else BEGIN if has_place else FIRST_PIECES
            begin, is_all = _gather(pieces, most)
            if is_all:
                reply.start(Response(status, encoded(headers), begin))
                return
            if not has_place and not self._reserve_place(places):
                raise _NoPlace
            spool = Spool(reply.loop, places.pop_all().close)
        _stream(Response(status, encoded(headers), spool), spool, chain([begin], pieces), reply)

    def _reserve_place(self, places: ExitStack) -> bool:
        """Reserves a place for a download until `places` closes. Returns False if none is free."""
        if is_taken := self._downloads.reserve():
            places.callback(self._downloads.release)
        return is_taken


def _stream(response: Response, spool: Spool, pieces: Iterator[bytes], reply: Reply) -> None:
    """Starts the reply and writes the pieces, waiting in this thread for a slow client."""
    try:
        spool.write(next(pieces))
    except BaseException:
        spool.close()
        raise
    reply.start(response)
    try:
        for piece in pieces:
            spool.write(piece)
    except BaseException:
        spool.fail()
        raise
    spool.finish()


def _call(app: Flask, request: Environ) -> tuple[int, WsgiHeaders, Iterable[bytes]]:
    started: list[Any] = []

    def start(status: str, headers: WsgiHeaders, _failure: object = None) -> Callable[[bytes], object]:
        started[:] = [int(status.split(" ", 1)[0]), headers]
        return lambda _piece: None

    pieces = app(request, start)
    return started[0], started[1], pieces


def _is_streamed(status: int, headers: WsgiHeaders) -> bool:
    """Whether the response's length is unknown. A 204 and a 304 have no body."""
    return status not in (204, 304) and not any(name.lower() == "content-length" for name, _ in headers)


def _gather(pieces: Iterator[bytes], most: int | None) -> tuple[bytes, bool]:
    """Returns the first pieces, up to `IN_MEMORY` or `most` pieces, and whether these are all."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size > IN_MEMORY or (most is not None and len(gathered) > most):
            return b"".join(gathered), False
    return b"".join(gathered), True


def _close(pieces: Iterable[bytes]) -> None:
    try:
        if close := getattr(pieces, "close", None):
            close()
    except Exception:
        log.exception("response.not_closed")


async def _send(send: Send, response: Response, request_id: str, *, closes: bool) -> None:
    await _start(send, response, request_id, closes=closes)
    await send({"type": "http.response.body", "body": response.body})


async def _start(send: Send, response: Response, request_id: str, *, closes: bool) -> None:
    headers = [*response.headers, (b"x-request-id", request_id.encode())]
    if closes:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _deliver(
    response: Response, spool: Spool, scope: Scope, receive: Receive, send: Send, *, request_id: str
) -> None:
    """Sends the pieces that a thread writes.

    A client that does not read them is disconnected. So is one whose response fails midway, which must not
    accept a part as the whole.
    """
    gone = asyncio.ensure_future(_until_gone(receive))
    pace = Pace()
    begin, delivered = asyncio.get_running_loop().time(), 0
    try:
        await pace.find(scope["server"], scope["client"])
        await _start(send, response, request_id, closes=False)
        async for piece in spool.pieces(gone):
            async with asyncio.timeout(deadlines.DOWNLOAD_SILENT):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                await pace.wait(gone)
            delivered += len(piece)
            if (
                asyncio.get_running_loop().time()
                > begin + deadlines.DOWNLOAD + delivered / deadlines.BYTES_A_SECOND
            ):
                raise TimeoutError
        await send({"type": "http.response.body", "body": b""})
    except (TimeoutError, BrokenOff) as reason:
        log.warning(
            "response.broken_off", reason=type(reason).__name__, sent=delivered, request_id=request_id
        )
        connections.close(scope["server"], scope["client"])
    except Abandoned:
        pass
    finally:
        gone.cancel()
        spool.close()
        pace.close()


async def _until_gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
