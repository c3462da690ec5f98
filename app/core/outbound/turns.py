"""Limits on the calls in progress, so that a provider that hangs delays no other provider or organization."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.core.outbound import messages
from app.core.outbound.answer import OutboundError

WAIT_SECONDS = 1.0
"""Seconds that a call waits for a turn."""


@dataclass(frozen=True)
class Limits:
    """How many calls may be in progress in a process: in all, to one host, and for one organization.

    `shared` is the limit of calls to one host for one organization.
    """

    total: int = 64
    host: int = 64
    organization: int = 64
    shared: int = 64


class Turns:
    """Counts calls in progress; safe for threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._changed = threading.Condition()
        self._taken: Counter[tuple[str, ...]] = Counter()

    @contextmanager
    def taken(self, host: str, organization: str) -> Iterator[None]:
        """Holds a turn while the block runs. Raises OutboundError `busy` if none is free in time."""
        keys = self._keys(host, organization)
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(keys), WAIT_SECONDS):
                raise OutboundError("busy", messages.busy(host))
            self._taken.update(list(keys))
        try:
            yield
        finally:
            with self._changed:
                self._taken.subtract(list(keys))
                self._taken += Counter()
                self._changed.notify_all()

    def _keys(self, host: str, organization: str) -> dict[tuple[str, ...], int]:
        """Returns the keys that a call is counted under, with the limit of each."""
        keys = {("total",): self._limits.total, ("host", host): self._limits.host}
        if organization:
            keys[("organization", organization)] = self._limits.organization
            keys[("shared", host, organization)] = self._limits.shared
        return keys

    def _has_room(self, keys: dict[tuple[str, ...], int]) -> bool:
        return all(self._taken[key] < limit for key, limit in keys.items())
