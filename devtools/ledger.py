"""Records writes and their acknowledgements, and compares them with the stored values."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Outcome(Enum):
    UNKNOWN = "no answer, or one that leaves it open (5xx)"
    ACKNOWLEDGED = "a success"
    REFUSED = "an error of the client's (4xx): nothing may have been written"


@dataclass
class Write:
    """Values for some keys, written in one request: all of them or none."""

    values: Mapping[str, str]
    outcome: Outcome = Outcome.UNKNOWN


@dataclass(frozen=True)
class Audit:
    """Result of a comparison with the stored values. Each list contains keys."""

    acknowledged: int
    """The number of acknowledged writes."""
    lost: list[str] = field(default_factory=list)
    """Keys that were acknowledged, but are not stored."""
    torn: list[str] = field(default_factory=list)
    """Keys of writes that are stored in part only."""
    refused: list[str] = field(default_factory=list)
    """Keys that are stored although their write was refused."""

    @property
    def wrong(self) -> dict[str, list[str]]:
        keys_by_fault = {"lost": self.lost, "torn": self.torn, "stored though refused": self.refused}
        return {name: keys for name, keys in keys_by_fault.items() if keys}


class Ledger:
    """Writes of many threads. A key belongs to one thread, and each value is written once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writes: list[Write] = []
        self._acknowledged = 0

    def begin(self, values: Mapping[str, str]) -> Write:
        """Registers a write before its request is sent, because it may be stored from then on."""
        write = Write(dict(values))
        with self._lock:
            self._writes.append(write)
        return write

    def settle(self, write: Write, status: int) -> bool:
        """Records the response's status; returns whether it acknowledges the write."""
        with self._lock:
            if status < 400:
                write.outcome = Outcome.ACKNOWLEDGED
                self._acknowledged += 1
            elif status < 500:
                write.outcome = Outcome.REFUSED
        return write.outcome is Outcome.ACKNOWLEDGED

    @property
    def acknowledged(self) -> int:
        with self._lock:
            return self._acknowledged

    def compare(self, stored: Mapping[str, str | None]) -> Audit:
        """Compares with the stored values. Call it when no write is in progress."""
        with self._lock:
            writes = list(self._writes)
        by_key: dict[str, list[tuple[str, Outcome]]] = {}
        for write in writes:
            for key, value in write.values.items():
                by_key.setdefault(key, []).append((value, write.outcome))
        lost = [key for key, history in by_key.items() if _is_lost(history, stored.get(key))]
        torn = [next(iter(write.values)) for write in writes if _is_torn(write, stored)]
        refused = [key for key, history in by_key.items() if (stored.get(key), Outcome.REFUSED) in history]
        return Audit(self.acknowledged, lost, torn, refused)


def _is_lost(history: list[tuple[str, Outcome]], stored: str | None) -> bool:
    """Whether the stored value is neither the last acknowledged one nor a later unanswered one."""
    possible: set[str | None] = {None}
    for value, outcome in history:
        if outcome is Outcome.ACKNOWLEDGED:
            possible = {value}
        elif outcome is Outcome.UNKNOWN:
            possible.add(value)
    return stored not in possible and (stored, Outcome.REFUSED) not in history


def _is_torn(write: Write, stored: Mapping[str, str | None]) -> bool:
    """Whether only some keys of the write are stored.

    True only for their last write: later ones replace it.
    """
    if write.outcome is not Outcome.UNKNOWN or len(write.values) == 1:
        return False
    there = [stored.get(key) == value for key, value in write.values.items()]
    return any(there) and not all(there)
