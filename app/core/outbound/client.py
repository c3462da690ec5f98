"""The HTTP client for every call to a provider.

It calls public addresses over https only, and dials the address that was checked. It follows no redirects,
reads a limited number of bytes, and has one deadline for everything, name lookup and retries included. It
reads nothing from the environment (no proxy, no netrc), and logs method, host, status and duration only. An
upstream that the operator configured replaces an official host; only then may the address be private and
the scheme http.
"""

from __future__ import annotations

import base64
import copy
import gzip
import io
import logging
import math
import random
import re
import ssl
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from typing import Any

import requests
import structlog
import urllib3
from requests.structures import CaseInsensitiveDict

from app.core import computing
from app.core.outbound import addresses, answer, messages, trust, upstreams
from app.core.outbound.addresses import Address
from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.sockets import Line, Meter, Plain, Tls, TooLarge
from app.core.outbound.turns import Limits, Turns
from app.core.outbound.upstreams import Upstream

log = structlog.get_logger(__name__)
logging.getLogger("urllib3").setLevel(logging.CRITICAL)
"""urllib3 logs the whole URL, query included, of a response whose headers it cannot parse."""

READS = frozenset({"GET", "HEAD"})
RETRIES = 2
FIRST_PAUSE = 0.25
ROOM_FOR_HEADERS = 100_000
CHUNK = 65_536
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True)
class _Route:
    host: str
    """The official name, as in the Host header, logs and messages."""
    port: int
    dialled: Upstream
    is_configured: bool
    """Whether the operator configured it, so that its address may be private."""

    @property
    def authority(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == 443 else f"{name}:{self.port}"


class Outbound:
    """Calls providers. `deadline` is in seconds, for a whole `send`; one instance serves all threads.

    `count` is called with the host of every call, its status or the code of its failure, and its seconds.
    """

    def __init__(
        self,
        chosen: Mapping[str, str] | None = None,
        *,
        deadline: float = 10.0,
        most_bytes: int = 2_000_000,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        count: Callable[[str, str, float], None] = lambda _host, _outcome, _seconds: None,
    ) -> None:
        self._upstreams = {host.lower(): Upstream.parse(base) for host, base in (chosen or {}).items()}
        self._turns = Turns(limits)
        self._count = count
        self._organization = ""
        self._deadline = deadline
        self._most_bytes = most_bytes
        self._is_provider = False
        self._end = math.inf
        self._before_write: Callable[[], None] | None = None
        self._after_each: Callable[[], None] | None = None
        self._on_answer: Callable[[Answer], None] | None = None

    def calling(
        self,
        *,
        before_write: Callable[[], None] | None = None,
        after_each: Callable[[], None] | None = None,
        on_answer: Callable[[Answer], None] | None = None,
    ) -> Outbound:
        """Returns the same client with hooks.

        `before_write` runs before a request that may change something, `after_each` after any request, and
        `on_answer` with each response.
        """
        shared = copy.copy(self)
        shared._before_write = before_write or self._before_write
        shared._after_each = after_each or self._after_each
        shared._on_answer = on_answer or self._on_answer
        return shared

    def for_organization(self, organization: str) -> Outbound:
        """Returns a client whose calls count towards the limits of the organization with that id."""
        shared = copy.copy(self)
        shared._organization = organization
        return shared

    def as_provider(self, seconds: float, most_bytes: int) -> Outbound:
        """Returns a client that calls as a provider does, with its limits.

        It trusts public certificate authorities only, and retries no GET.
        """
        shared = copy.copy(self)
        vars(shared).pop("_trust", None)
        shared._deadline, shared._most_bytes, shared._is_provider = seconds, most_bytes, True
        return shared

    def within(self, seconds: float) -> Outbound:
        """Returns a client whose calls may last `seconds` in total, or until an earlier limit."""
        shared = copy.copy(self)
        shared._end = min(self._end, time.monotonic() + seconds)
        return shared

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Returns the response, of any status except a redirect. Raises OutboundError.

        `body` is sent unchanged. A GET is retried after a failed connection, 429 or 5xx, while there is time;
        other methods are sent once. Raises `busy` if too many calls are in progress.
        """
        route = self._route(url)
        request = requests.Request(method.upper(), url, params=query, data=body or form, json=json).prepare()
        if not query:
            request.url = url  # `prepare` would respell its percent-codes, and signatures are of each byte
        _add_headers(request, route, headers or {}, auth)
        begin = time.monotonic()
        try:
            with computing.paused():
                received = self._send_in_turn(request, route)
        except OutboundError as error:
            self._count(route.host, error.code, time.monotonic() - begin)
            raise
        finally:
            if self._after_each:
                self._after_each()
        self._count(route.host, str(received.status), time.monotonic() - begin)
        if self._on_answer:
            self._on_answer(received)
        return received

    def _send_in_turn(self, request: requests.PreparedRequest, route: _Route) -> Answer:
        with self._turns.taken(route.host, self._organization):
            if self._before_write and request.method not in READS:
                self._before_write()
            return self._send_with_retries(request, route)

    def _send_with_retries(self, request: requests.PreparedRequest, route: _Route) -> Answer:
        meter = Meter(min(self._deadline, self._end - time.monotonic()), self._most_bytes + ROOM_FOR_HEADERS)
        line = Line(self._addresses(route, meter), route.dialled.port, meter)
        outcome = self._attempt(request, route, line)
        for retry in range(RETRIES if request.method == "GET" and not self._is_provider else 0):
            pause = _pause(outcome, retry)
            if pause is None or not meter.allows(pause):
                break
            time.sleep(pause)
            later = self._attempt(request, route, line)
            if isinstance(later, OutboundError) and later.code == "timeout":
                break
            outcome = later
        if isinstance(outcome, OutboundError):
            raise outcome
        return outcome

    def _route(self, url: str) -> _Route:
        """Returns the route of a URL, checked by its spelling; no name is looked up yet."""
        try:
            parts = upstreams.split(url)
            host, port = parts.hostname or "", 443 if parts.port is None else parts.port
        except ValueError:
            raise OutboundError("refused_address", messages.NOT_A_WEB_ADDRESS) from None
        name = host if addresses.HOST.fullmatch(host) or addresses.literal(host) else messages.PROVIDER
        if parts.scheme != "https":
            raise OutboundError("refused_address", messages.not_https(name))
        if "@" in parts.netloc:
            raise OutboundError("refused_address", messages.has_user(name))
        if name != host or port == 0:
            raise OutboundError("refused_address", messages.NOT_A_PUBLIC_NAME)
        chosen = self._upstreams.get(host)
        return _Route(host, port, chosen or Upstream(host, port, True, ""), chosen is not None)

    def _addresses(self, route: _Route, meter: Meter) -> Sequence[Address]:
        """Returns every address of the host. Raises OutboundError if one of them must not be dialled."""
        try:
            resolved = addresses.look_up(route.dialled.host, meter.left())
        except TimeoutError:
            raise self._timeout_error(route) from None
        except (OSError, ValueError):
            resolved = []
        if not resolved:
            raise OutboundError("dns", messages.not_resolved(route.host))
        if not route.is_configured and not all(addresses.is_public(address) for address in resolved):
            raise OutboundError("refused_address", messages.not_public(route.host))
        return resolved

    def _attempt(
        self, request: requests.PreparedRequest, route: _Route, line: Line
    ) -> Answer | OutboundError:
        started = time.monotonic()
        outcome: Answer | OutboundError
        try:
            outcome = self._exchange(request, route, line)
        except (TimeoutError, urllib3.exceptions.TimeoutError):
            outcome = self._timeout_error(route)
        except TooLarge:
            outcome = OutboundError("too_large", messages.too_large(route.host))
        except (ssl.SSLError, urllib3.exceptions.SSLError):
            outcome = OutboundError("tls", messages.tls_failed(route.host))
        except ConnectionRefusedError:
            outcome = OutboundError("connect", messages.refused(route.host))
        except (OSError, EOFError, zlib.error, HTTPException, urllib3.exceptions.HTTPError):
            outcome = OutboundError("connect", messages.disconnected(route.host))
        except OutboundError as error:
            outcome = error.with_traceback(None)
        log.info(
            "outbound",
            method=request.method,
            host=route.host,
            status=outcome.status if isinstance(outcome, Answer) else outcome.code,
            ms=round((time.monotonic() - started) * 1000),
        )
        return outcome

    def _exchange(self, request: requests.PreparedRequest, route: _Route, line: Line) -> Answer:
        line.meter.refill()
        with closing(self._connection(route, line)) as connection:
            connection.request(
                request.method or "",
                route.dialled.path + request.path_url,
                body=request.body,
                headers=request.headers,
                preload_content=False,
                decode_content=False,
            )
            with closing(connection.getresponse()) as response:
                if 300 <= response.status < 400:
                    raise OutboundError("redirect", messages.redirected(route.host))
                body = b"".join(iter(lambda: response.read(CHUNK, decode_content=False), b""))
                self._check_size(body)
                if response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip"):
                    body = gzip.GzipFile(fileobj=io.BytesIO(body)).read(self._most_bytes + 1)
                    self._check_size(body)
                return Answer(response.status, CaseInsensitiveDict(response.headers), body, route.host)

    def _check_size(self, body: bytes) -> None:
        if len(body) > self._most_bytes:
            raise TooLarge

    def _connection(self, route: _Route, line: Line) -> Plain | Tls:
        dialled = route.dialled
        connection = (
            Tls(dialled.host, dialled.port, ssl_context=self._trust)
            if dialled.is_tls
            else Plain(dialled.host, dialled.port)
        )
        connection.line = line
        return connection

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        """The TLS context. A provider does not trust the roots of this system."""
        return trust.context(with_system=not self._is_provider)

    def _timeout_error(self, route: _Route) -> OutboundError:
        return OutboundError("timeout", messages.timed_out(route.host))


def _add_headers(
    request: requests.PreparedRequest,
    route: _Route,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None,
) -> None:
    """Adds the headers. Raises ValueError for one that cannot be sent.

    They are encoded in UTF-8, so that the provider can reject a key in another alphabet.
    """
    encoded: dict[str, Any] = {}
    values = {"User-Agent": "Patchbay", "Accept-Encoding": "gzip", **headers}
    if auth:
        values["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
    for name, value in values.items():
        if not _HEADER.fullmatch(name) or any(character in value for character in "\r\n\0"):
            raise ValueError(f"The header {name!r} cannot be sent.")
        encoded[name] = value.encode()
    request.headers.update(encoded | {"Host": route.authority, "Connection": "close"})


def _pause(outcome: Answer | OutboundError, retry: int) -> float | None:
    """Returns the seconds until the next attempt; None if it would not help."""
    pause: float = FIRST_PAUSE * 2**retry * random.uniform(0.5, 1)  # noqa: S311 (jitter)
    if isinstance(outcome, OutboundError):
        return pause if outcome.code == "connect" else None
    if outcome.status != 429 and outcome.status < 500:
        return None
    return max(pause, answer.retry_after(outcome.headers.get("Retry-After", "")))
