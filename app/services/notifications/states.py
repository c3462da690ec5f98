"""The states of deliveries."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"
    """It was over before the quiet period ended."""
    COLLECTED = "collected"
    """It waits for the digest, or is in one."""
