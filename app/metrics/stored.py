"""Gauges that are read from the database, equal in all processes and on all machines.

A process reads them at most once in `SECONDS`, in one thread: frequent scrapes do not load the database, and
a database that hangs occupies one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from app import context
from app.services.scope import Scope
from app.services.status import gauges
from app.services.status.gauges import Sample

log = structlog.get_logger(__name__)

SECONDS = 5.0
WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class _Gauge:
    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[Scope], Iterable[Sample]]


GAUGES = (
    _Gauge(
        "patchbay_numbers",
        "Numbers that take calls, by the verdict on them.",
        ("provider", "health"),
        gauges.numbers,
    ),
    _Gauge(
        "patchbay_connections",
        "Connections, by the verdict on them.",
        ("provider", "health"),
        gauges.connections,
    ),
    _Gauge(
        "patchbay_last_check_timestamp_seconds",
        "When the last check ended of the connection whose check is the longest ago.",
        ("provider",),
        gauges.last_checks,
    ),
    _Gauge(
        "patchbay_failed_checks",
        "Connections whose last check could not be completed.",
        ("provider",),
        gauges.failed_checks,
    ),
    _Gauge(
        "patchbay_pending_checks", "Numbers whose check is pending.", ("provider",), gauges.pending_checks
    ),
    _Gauge("patchbay_running_jobs", "Imports and other work in progress.", ("kind",), gauges.running_jobs),
    _Gauge(
        "patchbay_waiting_deliveries",
        "Notifications that wait to be sent.",
        ("kind",),
        gauges.waiting_deliveries,
    ),
    _Gauge(
        "patchbay_oldest_delivery_timestamp_seconds",
        "When the oldest of the notifications was made that wait, quiet periods left out.",
        ("kind",),
        gauges.oldest_deliveries,
    ),
    _Gauge(
        "patchbay_disabled_destinations",
        "Destinations that were disabled because they failed for a day.",
        ("kind",),
        gauges.disabled_destinations,
    ),
    _Gauge(
        "patchbay_token_expiry_timestamp_seconds",
        "When the next of the API tokens in use expires.",
        (),
        gauges.next_token_expiry,
    ),
    _Gauge(
        "patchbay_oldest_secret_timestamp_seconds",
        "When the oldest of the stored secrets was entered.",
        ("provider",),
        gauges.oldest_secrets,
    ),
    _Gauge(
        "patchbay_last_backup_timestamp_seconds",
        "When the last backup was made; absent before the first.",
        (),
        gauges.last_backup,
    ),
)


class Stored:
    """Reads the gauges of one application, and caches them for a short time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._text = b""
        self._until = 0.0

    def text(self) -> bytes:
        """Returns the gauges as text; the cached ones while another request reads them."""
        if time.monotonic() >= self._until and self._lock.acquire(timeout=WAIT_SECONDS):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._text

    def _read(self) -> None:
        """Reads the gauges, unless another request did while this one waited for the lock."""
        if time.monotonic() < self._until:
            return
        registry = CollectorRegistry()
        registry.register(_Families())
        self._text = generate_latest(registry)
        self._until = time.monotonic() + SECONDS


class _Families(Collector):
    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Returns none, so that registering reads nothing."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: list[GaugeMetricFamily] = []
        try:
            families = list(map(_family, GAUGES))
        except SQLAlchemyError:
            log.warning("metrics.no_database")
        is_up = GaugeMetricFamily("patchbay_database_up", "1 if the database could be read.")
        is_up.add_metric([], bool(families))
        yield from [is_up, *families]


def _family(gauge: _Gauge) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
    for labels, value in gauge.read(context.anonymous_scope()):
        family.add_metric(labels, value)
    return family
