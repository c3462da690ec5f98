"""Counts attempts to send notifications, by kind of destination and outcome."""

from __future__ import annotations

from prometheus_client import Counter

from app.services.notifications.delivery import Attempt

_attempts = Counter(
    "patchbay_delivery_attempts",
    "Attempts to send a notification: the class of the status, or none.",
    ["kind", "outcome"],
)


def count(kind: str, attempt: Attempt) -> None:
    """Counts an attempt by its status class: `none` without a response, or if mail was refused."""
    _attempts.labels(kind, f"{attempt.status // 100}xx" if attempt.status else "none").inc()
