"""Counts and durations of requests, for Prometheus; over all processes if they share a folder.

Beside them, how many numbers and connections of each organization have which health, read from the database.
They show which routes are used and how many sign-ins fail, so they are for this machine alone, or for
a client that has `PATCHBAY_METRICS_TOKEN`.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import structlog
from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from app import context, peers
from app.services.status import health_counts
from app.services.status.health_counts import Count

log = structlog.get_logger(__name__)

TEXT = "text/plain; charset=utf-8"

_requests = Counter("patchbay_requests", "Requests answered.", ["method", "route", "status"])
_seconds = Histogram(
    "patchbay_request_seconds",
    "How long an answer took.",
    ["route"],
    buckets=(0.005, 0.025, 0.1, 0.5, 1, 5),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


def init_app(app: Flask) -> None:
    app.before_request(_start)
    app.after_request(_count)
    app.add_url_rule("/metrics", view_func=_metrics, provide_automatic_options=False)


def _start() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    method = request.method if request.method in _METHODS else "other"
    count(method, route, response.status_code, time.perf_counter() - g.started if "started" in g else None)
    return response


def count(method: str, route: str, status: int, seconds: float | None) -> None:
    """Counts a response; `seconds` is None if it is unknown when the request began."""
    answered, durations = _series(method, route, status)
    answered.inc()
    if seconds is not None:
        durations.observe(seconds)


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: it costs more than the counting."""
    return _requests.labels(method, route, str(status)), _seconds.labels(route)


def _refusal() -> Response | None:
    """None if the counts may be read."""
    token = context.settings().metrics_token
    if token is None:
        if peers.is_this_machine(request.environ):
            return None
        return Response(
            "Metrics are for this machine alone. For others, set PATCHBAY_METRICS_TOKEN.\n",
            403,
            content_type=TEXT,
        )
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), token.encode()):
        return None
    headers = {"WWW-Authenticate": "Bearer"}
    return Response("Send PATCHBAY_METRICS_TOKEN as a bearer token.\n", 401, headers, content_type=TEXT)


def _metrics() -> Response | tuple[bytes, dict[str, str]]:
    if refusal := _refusal():
        return refusal
    headers = {"Content-Type": CONTENT_TYPE_LATEST}
    if not Path(os.environ.get("PROMETHEUS_MULTIPROC_DIR", "-")).is_dir():
        return generate_latest(REGISTRY) + _health(), headers
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry) + _health(), headers


class _Health(Collector):
    """The verdicts that pages show."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Returns none, so that registering reads nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        scope = context.anonymous_scope()
        yield self._family("patchbay_numbers", "Numbers that take calls.", health_counts.of_numbers(scope))
        yield self._family("patchbay_connections", "Connections.", health_counts.of_connections(scope))

    @staticmethod
    def _family(name: str, help_text: str, counts: Iterable[Count]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, help_text, labels=["organization", "health"])
        for one in counts:
            family.add_metric([one.slug, one.verdict], one.count)
        return family


def _health() -> bytes:
    """Empty while the database cannot be read: the rest is counted without it."""
    registry = CollectorRegistry()
    registry.register(_Health())
    try:
        return generate_latest(registry)
    except SQLAlchemyError:
        log.warning("metrics.no_database")
        return b""
