"""Whether a connection works, as far as that is known: the one rule that pages and checks call."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from app.provider import Outcome
from app.services.connections.store import StoredConnection


class Health(StrEnum):
    """The state of a connection, worst first: one line each gives the code, the tone and the label."""

    tone: str
    label: str

    def __new__(cls, value: str, tone: str, label: str) -> Health:
        self = str.__new__(cls, value)
        self._value_, self.tone, self.label = value, tone, label
        return self

    FAILED = "failed", "bad", "Connection failed"
    INCOMPLETE = "incomplete", "warn", "Incomplete"
    PARTLY_TESTED = "partly-tested", "warn", "Partly tested"
    LIMITED = "limited", "warn", "Works with limits"
    UNTESTED = "untested", "idle", "Saved, untested"
    WORKS = "works", "ok", "Connection OK"
    DISABLED = "disabled", "idle", "Disabled"
    NOT_CONNECTED = "not-connected", "idle", "Not connected"


class LastTest(Protocol):
    """The last proof about the stored credentials, as a row or as two of its columns."""

    @property
    def ok(self) -> bool: ...

    @property
    def code(self) -> str: ...


def of(connection: StoredConnection, test: LastTest | None) -> Health:
    """Returns the health of a connection. `test` is the last proof about its credentials."""
    if not connection.exists or not (connection.values or connection.secrets):
        return Health.NOT_CONNECTED
    if not connection.enabled:
        return Health.DISABLED
    if connection.missing:
        return Health.INCOMPLETE
    return of_test(test)


def of_test(test: LastTest | None) -> Health:
    """Returns the health of a complete and enabled connection."""
    if test is None:
        return Health.UNTESTED
    if not test.ok:
        return Health.FAILED
    less: dict[str, Health] = {Outcome.NOT_PROVEN: Health.PARTLY_TESTED, Outcome.LIMITED: Health.LIMITED}
    return less.get(test.code, Health.WORKS)


def worst(healths: list[Health]) -> Health:
    return min(healths, key=list(Health).index)
