"""The health of a connection: the one rule that pages, checks and the history use."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from app.models import Verdict
from app.provider import Outcome
from app.services.connections import transitions
from app.services.connections.store import StoredConnection
from app.services.scope import Scope


class Health(StrEnum):
    """The state of a connection, worst first: each has its code, tone, label and verdict."""

    tone: str
    label: str
    verdict: Verdict

    def __new__(cls, value: str, tone: str, label: str, verdict: Verdict) -> Health:
        self = str.__new__(cls, value)
        self._value_, self.tone, self.label, self.verdict = value, tone, label, verdict
        return self

    FAILED = "failed", "bad", "Connection failed", Verdict.UNHEALTHY
    INCOMPLETE = "incomplete", "warn", "Incomplete", Verdict.UNHEALTHY
    PARTLY_TESTED = "partly-tested", "warn", "Partly tested", Verdict.HEALTHY
    LIMITED = "limited", "warn", "Works with limits", Verdict.HEALTHY
    UNTESTED = "untested", "idle", "Saved, untested", Verdict.UNKNOWN
    WORKS = "works", "ok", "Connection OK", Verdict.HEALTHY
    DISABLED = "disabled", "idle", "Disabled", Verdict.OFF
    NOT_CONNECTED = "not-connected", "idle", "Not connected", Verdict.OFF


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


def reason(health: Health, test: LastTest | None) -> str | None:
    """Returns the reason code of a connection's health; None if it works."""
    if health is Health.FAILED and test is not None:
        return test.code
    return None if health is Health.WORKS else str(health)


def record_transitions(
    scope: Scope, states: Mapping[str, StoredConnection], tests: Mapping[str, LastTest]
) -> None:
    """Adds a transition for each connection whose verdict has changed, in the open transaction."""
    before = transitions.of_connections(scope)
    for key, state in states.items():
        current = of(state, tests.get(key))
        transitions.add(scope, key, before.get(key), current.verdict, reason(current, tests.get(key)))


def worst(healths: list[Health]) -> Health:
    return min(healths, key=list(Health).index)
