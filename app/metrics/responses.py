"""Counts responses, and the time that they took."""

from __future__ import annotations

import time
from functools import cache

from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

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


def count(method: str, route: str, status: int, seconds: float | None) -> None:
    """Counts a response. `seconds` is None if the start of the request is unknown."""
    answered, durations = _series(method, route, status)
    answered.inc()
    if seconds is not None:
        durations.observe(seconds)


def _start() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    method = request.method if request.method in _METHODS else "other"
    count(method, route, response.status_code, time.perf_counter() - g.started if "started" in g else None)
    return response


@cache
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Returns the counter and the histogram of a label set; cached, as the lookup is slow."""
    return _requests.labels(method, route, str(status)), _seconds.labels(route)
