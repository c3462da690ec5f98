"""Counts and times requests to providers, by host and outcome."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from app.providers import PROVIDERS

OTHER = "other"
"""The label of hosts that no provider declares, such as those of webhooks: users choose their names."""
HOSTS = frozenset(host for provider in PROVIDERS.values() for host in provider.hosts)
_NAMED = ("401", "403", "404", "429")
"""Statuses that are counted by themselves; others are counted by their class, such as 5xx."""

_requests = Counter(
    "patchbay_provider_requests",
    "Requests to providers, retries included in one: a class of statuses, or why there was no response.",
    ["host", "outcome"],
)
_seconds = Histogram(
    "patchbay_provider_request_seconds",
    "How long a request to a provider took, retries included.",
    ["host"],
    buckets=(0.1, 0.5, 1, 2.5, 5, 10),
)


def count(host: str, outcome: str, seconds: float) -> None:
    """Counts a request that ended with `outcome`: a status, or the code of an OutboundError."""
    name = host if host in HOSTS else OTHER
    is_class = outcome.isdecimal() and outcome not in _NAMED
    _requests.labels(name, f"{outcome[0]}xx" if is_class else outcome).inc()
    _seconds.labels(name).observe(seconds)
