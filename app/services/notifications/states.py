"""The states of deliveries."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The state of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The message was no longer needed when the quiet period ended."""
    COLLECTED = "collected"
    """The message waits for the digest, or is in one."""
