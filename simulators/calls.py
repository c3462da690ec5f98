"""Calls to and from the numbers of a simulated account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from app.provider.calls import CallOutcome
from simulators.console import Action, Row, Table

CALLER = "+15005550199"
"""The caller of every call. Patchbay may neither show nor store this number."""


@dataclass(eq=False)
class Call:
    """One call. `errors` are those that the provider reports, each with its code and the requested URL."""

    number: str
    at: datetime
    outcome: CallOutcome = CallOutcome.ANSWERED
    is_inbound: bool = True
    errors: list[tuple[int, str]] = field(default_factory=list)
    id: str = ""


class Calls:
    """The calls of an account."""

    def __init__(self) -> None:
        self._calls: list[Call] = []

    def add(
        self,
        number: str,
        outcome: CallOutcome = CallOutcome.ANSWERED,
        *,
        ago: timedelta = timedelta(0),
        is_inbound: bool = True,
        errors: Iterable[tuple[int, str]] = (),
    ) -> Call:
        call = Call(number, datetime.now(UTC) - ago, outcome, is_inbound, list(errors))
        call.id = str(len(self._calls) + 1).zfill(32)
        self._calls.append(call)
        return call

    def clear(self) -> None:
        self._calls.clear()

    def listed(self, *, number: str = "", since: datetime | None = None, inbound: bool = False) -> list[Call]:
        """Returns the calls of the number (all if empty) since a time, newest first."""
        calls = [
            call
            for call in self._calls
            if call.number.startswith(number)
            and (since is None or call.at >= since)
            and (call.is_inbound or not inbound)
        ]
        return sorted(calls, key=lambda call: call.at, reverse=True)

    def table(self, numbers: Iterable[str], errors: Callable[[str], list[Action]] = lambda _: []) -> Table:
        """Returns the console's table with buttons that add calls.

        `errors` returns more actions for a number.
        """
        rows = [
            Row(number, self._now(number), [*self._actions(number), *errors(number)]) for number in numbers
        ]
        return Table("Calls", rows, "The last call to each number.")

    def _now(self, number: str) -> str:
        last = next(iter(self.listed(number=number, inbound=True)), None)
        return f"{last.outcome.label}, {last.at:%Y-%m-%d %H:%M} UTC" if last else "Never called"

    def _actions(self, number: str) -> list[Action]:
        outcomes = (CallOutcome.ANSWERED, CallOutcome.NO_ANSWER, CallOutcome.FAILED)
        return [Action(f"A call: {one.label.lower()}", self._ring(number, one)) for one in outcomes]

    def _ring(self, number: str, outcome: CallOutcome) -> Callable[[str], None]:
        def ring(_typed: str) -> None:
            self.add(number, outcome)

        return ring


def of_demo(calls: Calls, numbers: Iterable[str]) -> None:
    """Adds calls to the first four of the numbers."""
    for number, ago, outcome in zip(
        numbers,
        (timedelta(minutes=4), timedelta(hours=26), timedelta(days=9), timedelta(hours=3)),
        (CallOutcome.ANSWERED, CallOutcome.ANSWERED, CallOutcome.NO_ANSWER, CallOutcome.ANSWERED),
        strict=False,
    ):
        calls.add(number, outcome, ago=ago)
