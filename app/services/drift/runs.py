"""Asking the providers about every number of an organization that is due; one run at a time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, select, update

from app.core import clock
from app.models import CheckRun, DriftCheck, Organization
from app.provider import Capability, Family
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS, keys_in
from app.services import sql
from app.services.connections import store
from app.services.connections.store import StoredConnection
from app.services.drift import probe, queue, tallies, verdicts
from app.services.drift.tallies import Tally
from app.services.drift.verdicts import ProbeResult
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

FEW = 10
"""Up to so many numbers are asked about one by one; for more, the account's whole list is read."""

BATCH = 200
LEASE = timedelta(seconds=40)
"""Far longer than one call to a provider takes. It is renewed after each call, so a run that was killed
is taken over soon."""

RENEW_AFTER = 5.0
"""Seconds in which it is not renewed again."""

SECONDS = 120
"""For a few numbers one by one."""

LISTING = 900
"""Seconds for an account's whole list."""


@dataclass(frozen=True)
class Report:
    """How a run ended. `already_running`: another run was at it, and this one did nothing."""

    checked: int = 0
    drifted: int = 0
    failure: str | None = None
    already_running: bool = False

    def words(self) -> str:
        if self.already_running:
            return "is being checked by another run"
        told = f"{self.checked} checked, {self.drifted} drifted"
        return f"{told}. {self.failure}" if self.failure else told

    def document(self) -> dict[str, Any]:
        return {
            "checked": self.checked,
            "drifted": self.drifted,
            "failure": self.failure,
            "already_running": self.already_running,
        }


@dataclass(frozen=True)
class DriftStatus:
    """How the organization's numbers stand, and the run that is under way or was the last.

    `voice`: the keys of the voice providers where numbers of people drifted.
    """

    run: CheckRun | None
    is_running: bool
    tally: Tally
    voice: list[str]

    @property
    def is_moving(self) -> bool:
        """Whether a look in a moment will see something else: a run is at it, or is about to be."""
        has_failed = self.run is not None and self.run.failure is not None
        return self.is_running or (self.tally.due > 0 and not has_failed)


def status(scope: Scope) -> DriftStatus:
    last = scope.session.get(CheckRun, scope.organization.id)
    voice = tallies.drifted_providers(scope) - set(keys_in(Family.TELEPHONY))
    return DriftStatus(last, is_running(last), tallies.tally(scope), sorted(voice))


@dataclass(frozen=True)
class Progress:
    """How far the runs are that are under way anywhere; `due` numbers are still to be asked about."""

    organizations: int
    done: int
    total: int
    due: int


def progress(scope: Scope) -> Progress:
    """Over every organization."""
    earliest, latest = clock.ends_of_leases(LEASE)
    is_leased = (CheckRun.leased_until > earliest) & (CheckRun.leased_until <= latest)
    columns = (func.count(), func.sum(CheckRun.done), func.sum(CheckRun.total))
    runs = select(*columns).where(CheckRun.finished_at.is_(None), is_leased)
    organizations, done, total = scope.session.execute(runs).one()
    due = scope.session.scalar(select(func.count()).select_from(DriftCheck).where(DriftCheck.due))
    return Progress(organizations, done or 0, total or 0, due or 0)


def check_all(scope: Scope) -> None:
    """Has every number of the organization asked about again, soon."""
    with scope.transaction(lock=False):
        queue.mark_due(scope, changed=False)


def organization_ids(scope: Scope) -> list[str]:
    return list(scope.session.scalars(select(Organization.id).order_by(Organization.name, Organization.id)))


def pending_organization_ids(scope: Scope) -> list[str]:
    """Those that have numbers which are to be asked about."""
    return list(scope.session.scalars(select(DriftCheck.organization_id).where(DriftCheck.due).distinct()))


def is_running(run: CheckRun | None) -> bool:
    if run is None or run.finished_at is not None:
        return False
    earliest, latest = clock.ends_of_leases(LEASE)
    return earliest < run.leased_until <= latest


def run(scope: Scope, http: Outbound, *, everything: bool = False) -> Report:
    """Asks about what is due, or about every number. What gets no answer stays due.

    No transaction is open while a provider is asked. Killed anywhere, it can be run again.
    """
    if not everything and not queue.due_counts(scope):
        return Report()
    run_id = str(uuid.uuid4())
    if not _begin(scope, run_id, everything=everything):
        return Report(already_running=True)
    http = http.calling(after_each=_Lease(scope, run_id).renew)
    failures: dict[str, str] = {}
    checked = 0
    try:
        while keys := [key for key in PROVIDERS if key in queue.due_counts(scope).keys() - failures.keys()]:
            checked += sum(_provider(scope, http, run_id, key, failures) for key in keys)
    except LeaseLost:
        return Report(checked, already_running=True)
    except BaseException:
        _end(scope, run_id, "The check broke off. The log says why.")
        raise
    failure = " ".join(failures.values())[:1000] or None
    _end(scope, run_id, failure)
    return Report(checked, tallies.tally(scope).drifted, failure)


def _begin(scope: Scope, run_id: str, *, everything: bool) -> bool:
    """Takes the lease; False where somebody has it."""
    now = clock.now()
    with scope.transaction():
        row = scope.session.get(CheckRun, scope.organization.id)
        if is_running(row):
            return False
        if everything:
            queue.mark_due(scope, changed=False)
        if row is None:
            row = CheckRun(organization_id=scope.organization.id)
            scope.session.add(row)
        row.run_id, row.started_at, row.leased_until = run_id, now, now + LEASE
        row.finished_at, row.done, row.failure = None, 0, None
        row.total = sum(queue.due_counts(scope).values())
    return True


class LeaseLost(Exception):
    """This run was slow, and another one has taken over."""


class _Lease:
    """Of one run, as it was just taken."""

    def __init__(self, scope: Scope, run_id: str) -> None:
        self._scope, self._run_id = scope, run_id
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Raises LeaseLost. No transaction may be open."""
        if time.monotonic() - self._renewed < RENEW_AFTER:
            return
        with self._scope.transaction(lock=False):
            is_held = _update(self._scope, self._run_id, leased_until=clock.now() + LEASE)
        if not is_held:
            raise LeaseLost
        self._renewed = time.monotonic()


def _end(scope: Scope, run_id: str, failure: str | None) -> None:
    with scope.transaction(lock=False):
        _update(scope, run_id, finished_at=clock.now(), failure=failure)


def _update(scope: Scope, run_id: str, **values: object) -> bool:
    """Returns False, and changes nothing, if another run took over after this one's lease ran out."""
    mine = (CheckRun.organization_id == scope.organization.id) & (CheckRun.run_id == run_id)
    return bool(sql.run(scope, update(CheckRun).where(mine).values(**values)))


def _provider(scope: Scope, http: Outbound, run_id: str, key: str, failures: dict[str, str]) -> int:
    """How many numbers of one provider were asked about; into `failures`, what kept it from answering."""
    state = store.load(scope, PROVIDERS[key])
    numbers = queue.due(scope, key, limit=BATCH)
    look = _looker(scope, http, state, is_few=len(numbers) <= FEW)
    checked = 0
    while numbers:
        scope.end_read()
        sights = {number: look(number) for number in numbers}
        _keep(scope, run_id, key, sights)
        checked += len(numbers)
        unanswered = [sight for sight in sights.values() if sight.trouble is Reason.PROVIDER_UNREACHABLE]
        if unanswered:
            failures[key] = unanswered[0].sentence
            break
        numbers = queue.due(scope, key, after=numbers[-1], limit=BATCH)
    return checked


def _looker(
    scope: Scope, http: Outbound, state: StoredConnection, *, is_few: bool
) -> Callable[[str], ProbeResult]:
    """Returns a lookup for one number: calls for each of a few, one listing for many."""
    provider, values = state.provider, state.credentials
    if not state.is_usable:
        return lambda _number: ProbeResult(trouble=Reason.PROVIDER_NOT_CONFIGURED)
    if is_few or not probe.can(provider, Capability.NUMBERS):
        shared = http.within(SECONDS)
        return lambda number: probe.look(provider, shared, values, number)
    scope.end_read()
    lines: dict[str, ProviderNumber] = {}
    listing: Any = provider

    def read_all() -> None:
        for line in listing.numbers(http.within(LISTING), values):
            lines[line.phone_number] = line

    trouble = verdicts.run_probe(read_all)
    return (lambda _number: trouble) if trouble.trouble else (lambda number: ProbeResult(lines.get(number)))


def _keep(scope: Scope, run_id: str, key: str, sights: Mapping[str, ProbeResult]) -> None:
    with scope.transaction(lock=False):
        queue.save_results(scope, key, sights)
        done = CheckRun.done + len(sights)
        _update(scope, run_id, done=done, leased_until=clock.now() + LEASE)
