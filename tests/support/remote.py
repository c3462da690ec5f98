"""A served Patchbay where a test expects a Flask app: requests go over a few keep-alive connections.

`Portal`, `Caller`, `issue`, `unchanged` and the rest work with it as they are.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterable
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

from flask import Flask
from werkzeug.test import Client

from devtools.server import Server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SECONDS = 60
CONNECTIONS = 6
"""Used in turn, so that every worker of the server gets some of the requests."""
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding"})
RESERVED = "%/:=&?~#+!$,;'@()*[]"
"""Stays as it is in an address; everything else is percent-encoded, as a browser does."""


def remote(server: Server, app: Flask) -> Flask:
    """Stands for `app`, an application on the same database in this process: its routes and its rows."""
    return cast(Flask, _Remote(server, app))


class _Remote:
    def __init__(self, server: Server, app: Flask) -> None:
        self.server = server
        self._app = app
        self._idle: deque[HTTPConnection] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def test_client(self, use_cookies: bool = True) -> Client:
        """A browser's cookies and redirects, without its pages."""
        return Client(self._send, use_cookies=use_cookies)

    def _send(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Sends what the client built, and returns the response as it came."""
        connection = self._connection()
        body = environ["wsgi.input"].read() or None
        try:
            connection.request(environ["REQUEST_METHOD"], _target(environ), body, _headers(environ))
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:
            self._idle.append(connection)
        headers = [pair for pair in response.getheaders() if pair[0].lower() not in HOP_BY_HOP]
        start_response(f"{response.status} {response.reason}", headers)
        return [content]

    def _connection(self) -> HTTPConnection:
        """One that is idle and that the server has not closed, or a new one. Threads take one each."""
        if len(self._idle) < CONNECTIONS:
            return HTTPConnection(urlsplit(self.server.url).netloc, timeout=SECONDS)
        try:
            connection = self._idle.popleft()
        except IndexError:
            return HTTPConnection(urlsplit(self.server.url).netloc, timeout=SECONDS)
        if select.select([connection.sock], [], [], 0)[0]:
            connection.close()
            return self._connection()
        return connection


def _target(environ: WSGIEnvironment) -> str:
    """Path and query; the path in the spelling of the test, since that may be what it tests."""
    raw = environ["REQUEST_URI"].encode("latin-1").split(b"?")[0]
    query = environ["QUERY_STRING"].encode("latin-1")
    path = urlsplit(raw).path if raw.startswith(b"http") else raw
    target = quote(path, safe=RESERVED)
    return f"{target}?{quote(query, safe=RESERVED)}" if query else target


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if kind := environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = kind
    return headers
