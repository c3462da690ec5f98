"""Two weeks of hourly checks for the demo, before its first real one, with some failures and repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import update

from app.core import clock
from app.demo_calls import BAD_DAY, DAYS
from app.models import CheckDay, DriftCheck, HealthTransition, Verdict
from app.provider import Capability, Outcome
from app.provider.numbers import Reason
from app.providers import PROVIDERS
from app.services import sql
from app.services.connections import transitions
from app.services.connections.transitions import CONNECTION
from app.services.drift import queue
from app.services.notifications import record
from app.services.scope import Scope

HOUR = timedelta(hours=1)
LENGTH = timedelta(days=DAYS - 1, hours=4)
"""Time since the first check."""


@dataclass(frozen=True)
class Failure:
    """A failure that a check found some `days` and `hours` ago, repaired after some `minutes`.

    It is of one number, or of the connection and all its numbers.
    """

    provider: str
    number: str
    days: int
    hours: int
    minutes: int
    reason: str

    def is_of(self, provider: str, number: str) -> bool:
        return self.provider == provider and self.number in (CONNECTION, number)


FAILURES = (
    Failure("twilio", "+12125550134", 11, 3, 42, Reason.APPLICATION_OVERRIDES),
    Failure("twilio", CONNECTION, 8, 6, 97, Outcome.BAD_CREDENTIALS),
    Failure("twilio", "+14155550100", BAD_DAY, 5, 155, Reason.DIFFERENT_URL),
    Failure("twilio", "+14155550101", BAD_DAY, 5, 175, Reason.DIFFERENT_URL),
    Failure("vobiz", "+918067654321", BAD_DAY, 4, 320, Reason.NO_WEBHOOK),
    Failure("vobiz", "+918067654322", 2, 9, 55, Reason.NO_WEBHOOK),
    Failure("twilio", "+14155550101", 1, 7, 18, Reason.DIFFERENT_URL),
)
"""Failures of the organization that needs work. On `BAD_DAY` many calls failed too."""


def add(scope: Scope, failures: Collection[Failure], tested: Collection[str]) -> None:
    """Adds the history of the organization's numbers, and of its connections in `tested`.

    At its end all numbers are in sync: the first real check finds and reports what is wrong now.
    """
    history = _History(failures, clock.now())
    with scope.transaction():
        mine = HealthTransition.organization_id == scope.organization.id
        sql.run(scope, update(HealthTransition).where(mine).values(at=history.first))
        for key in tested:
            history.add(key, CONNECTION)
        for check in scope.session.scalars(scope.select(DriftCheck)):
            _finish(scope, check, history.add(check.provider, check.phone_number))
        scope.session.add_all(history.rows(scope.organization.id))
        scope.session.flush()
        record.lock(scope).transition_id = transitions.newest_id(scope)


def _finish(scope: Scope, check: DriftCheck, last: _State) -> None:
    """Sets a number's last check to the end of its history."""
    number = check.phone_number
    url = queue.expected_urls(scope, check.provider, [number])[number]
    check.in_sync = True if last.verdict is Verdict.HEALTHY else None
    check.reason = check.cause = last.reason
    check.verdict, check.checked_at, check.expected = last.verdict, last.checked_at, url
    if check.in_sync:
        check.actual, check.in_sync_since = url, last.since


@dataclass(frozen=True)
class _State:
    """The verdict on a number or connection, since when, and when it was last checked."""

    verdict: Verdict
    reason: str | None
    since: datetime
    checked_at: datetime


@dataclass
class _History:
    failures: Collection[Failure]
    now: datetime
    checks: Counter[tuple[str, str, date, Verdict]] = field(default_factory=Counter)
    transitions: list[HealthTransition] = field(default_factory=list)

    @property
    def first(self) -> datetime:
        return self.now - LENGTH

    def add(self, provider: str, number: str) -> _State:
        """Adds the checks and transitions of a number or connection, and returns its final state."""
        verdict, reason = _usual(provider, number)
        failed = [one for one in self.failures if one.is_of(provider, number)]
        spells = sorted((*self._spell(one), one.reason) for one in failed)
        self._change(provider, number, (Verdict.UNKNOWN, verdict), reason, self.first)
        for start, end, cause in spells:
            self._change(provider, number, (verdict, Verdict.UNHEALTHY), cause, start, since=start)
            self._change(provider, number, (Verdict.UNHEALTHY, verdict), reason, end, ended_since=start)
        for at in (*self._hours(), *(end for _, end, _ in spells)):
            is_bad = any(start <= at < end for start, end, _ in spells)
            self.checks[provider, number, at.date(), Verdict.UNHEALTHY if is_bad else verdict] += 1
        since = spells[-1][1] if spells else self.first
        return _State(verdict, reason, since, list(self._hours())[-1])

    def _hours(self) -> Iterator[datetime]:
        return (self.first + count * HOUR for count in range(LENGTH // HOUR))

    def _spell(self, failure: Failure) -> tuple[datetime, datetime]:
        """Returns the start of a failure, which is at an hourly check, and its end."""
        ago = timedelta(days=failure.days, hours=failure.hours)
        start = self.first + (LENGTH - ago) // HOUR * HOUR
        return start, start + timedelta(minutes=failure.minutes)

    def _change(
        self,
        provider: str,
        number: str,
        change: tuple[Verdict, Verdict],
        reason: str | None,
        at: datetime,
        **spell: datetime,
    ) -> None:
        row = HealthTransition(provider=provider, phone_number=number, reason=reason, at=at, **spell)
        row.was, row.now = change
        self.transitions.append(row)

    def rows(self, organization_id: str) -> Iterator[HealthTransition | CheckDay]:
        """Yields the rows to store, the transitions in the order of their times."""
        for row in sorted(self.transitions, key=lambda row: row.at):
            row.organization_id = organization_id
            yield row
        subjects = dict.fromkeys(key[:3] for key in self.checks)
        for provider, number, day in subjects:
            counts = {str(verdict): self.checks[provider, number, day, verdict] for verdict in Verdict}
            del counts[Verdict.OFF]
            own = {"organization_id": organization_id, "provider": provider, "phone_number": number}
            yield CheckDay(**own, day=day, **counts)


def _usual(provider: str, number: str) -> tuple[Verdict, str | None]:
    """Returns the verdict on a number or connection without a failure, and its reason.

    Providers whose webhooks cannot be set do not show them either.
    """
    if number != CONNECTION and Capability.POINT not in PROVIDERS[provider].capabilities:
        return Verdict.UNKNOWN, Reason.NOT_SHOWN
    return Verdict.HEALTHY, None
