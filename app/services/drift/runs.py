"""Checks of an organization's pending numbers at their providers; one run at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from sqlalchemy import func, select

from app.core import clock
from app.models import CheckRun, DriftCheck, Organization, ProviderWrite
from app.provider import Capability, Family, Outcome
from app.provider.numbers import ProviderNumber, Reason
from app.providers import PROVIDERS, keys_in
from app.services import lease
from app.services.connections import gateway, store, transitions
from app.services.connections.proof import Evidence
from app.services.connections.store import StoredConnection
from app.services.drift import messages, probe, queue, tallies, verdicts
from app.services.drift.tallies import Tally
from app.services.drift.verdicts import ProbeResult
from app.services.lease import Lease, LeaseLost
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

log = structlog.get_logger(__name__)

FEW = 10
"""Up to so many numbers are read one by one; for more, the account's whole list is read."""

BATCH = 200
LEASE = timedelta(seconds=40)
"""Far longer than one request takes. It is extended after each request, so a killed run is soon replaced."""

RENEW_AFTER = 5.0
"""Seconds between two extensions."""

SECONDS = 120
"""For a few numbers one by one."""

LISTING = 900
"""Seconds for an account's whole list."""


@dataclass(frozen=True)
class Report:
    """How a run ended. `already_running`: another run has the lease, and this one did nothing."""

    checked: int = 0
    drifted: int = 0
    failure: str | None = None
    already_running: bool = False

    def words(self) -> str:
        if self.already_running:
            return messages.ALREADY_RUNNING
        return messages.report(self.checked, self.drifted, self.failure)

    def document(self) -> dict[str, Any]:
        return {
            "checked": self.checked,
            "drifted": self.drifted,
            "failure": self.failure,
            "already_running": self.already_running,
        }


@dataclass(frozen=True)
class DriftStatus:
    """The state of the organization's numbers, and the current or the last run.

    `voice`: the keys of the voice providers with drifted users' numbers.
    """

    run: CheckRun | None
    is_running: bool
    tally: Tally
    voice: list[str]

    @property
    def is_moving(self) -> bool:
        """Whether the state is about to change: a run is active or queued."""
        has_failed = self.run is not None and self.run.failure is not None
        return self.is_running or (self.tally.due > 0 and not has_failed)


class Recovery(Protocol):
    """What a run does about changes at providers that were interrupted, beside checking webhooks."""

    def is_ready(self, scope: Scope) -> bool:
        """Whether a change was interrupted."""
        ...

    def is_running(self, scope: Scope) -> bool:
        """Whether a change may still be running. If it was killed, it is ready in some minutes."""
        ...

    def resolve(self, scope: Scope, http: Outbound) -> str | None:
        """Resolves the interrupted changes; returns why one could not be resolved."""
        ...


_recoveries: list[Recovery] = []


def register(recovery: Recovery) -> None:
    """Makes every run call it. Registering it again changes nothing."""
    if recovery not in _recoveries:
        _recoveries.append(recovery)


def status(scope: Scope) -> DriftStatus:
    last = scope.session.get(CheckRun, scope.organization.id)
    voice = tallies.drifted_providers(scope) - set(keys_in(Family.TELEPHONY))
    return DriftStatus(last, is_running(last), tallies.tally(scope), sorted(voice))


@dataclass(frozen=True)
class Progress:
    """The progress of all active runs; `due` checks are pending."""

    organizations: int
    done: int
    total: int
    due: int


def progress(scope: Scope) -> Progress:
    """Over every organization."""
    is_leased = lease.held(CheckRun.leased_until, LEASE)
    columns = (func.count(), func.sum(CheckRun.done), func.sum(CheckRun.total))
    runs = select(*columns).where(CheckRun.finished_at.is_(None), is_leased)
    organizations, done, total = scope.session.execute(runs).one()
    due = scope.session.scalar(select(func.count()).select_from(DriftCheck).where(DriftCheck.due))
    return Progress(organizations, done or 0, total or 0, due or 0)


def check_all(scope: Scope) -> None:
    """Queues a check of every number of the organization."""
    with scope.transaction():
        queue.mark_due(scope, changed=False)
        scope.on_commit(scope.queue_drift_check, scope.organization.id)


def organization_ids(scope: Scope) -> list[str]:
    return list(scope.session.scalars(select(Organization.id).order_by(Organization.name, Organization.id)))


def pending_organization_ids(scope: Scope) -> list[str]:
    """The organizations with pending checks, or with changes at providers that have no outcome."""
    checks = select(DriftCheck.organization_id).where(DriftCheck.due)
    return list(scope.session.scalars(checks.union(select(ProviderWrite.organization_id))))


def is_running(run: CheckRun | None) -> bool:
    return run is not None and run.finished_at is None and lease.is_held(run.leased_until, LEASE)


def run(scope: Scope, http: Outbound, *, everything: bool = False) -> Report:
    """Checks the numbers that are pending, or every number. Those without an answer stay pending.

    No transaction is open during a provider's request. A run that was killed at any point can be repeated.
    """
    is_ready = any(recovery.is_ready(scope) for recovery in _recoveries)
    if not (everything or is_ready or queue.due_counts(scope)):
        return Report()
    held = _begin(scope, everything=everything)
    if held is None:
        return Report(already_running=True)
    http = http.calling(after_each=lambda: held.keep(RENEW_AFTER))
    failures: dict[str, str] = {}
    checked = 0
    try:
        while keys := [key for key in PROVIDERS if key in queue.due_counts(scope).keys() - failures.keys()]:
            checked += sum(_provider(scope, http, held, key, failures) for key in keys)
        for recovery in _recoveries:
            if problem := recovery.resolve(scope, http):
                failures[problem] = problem
    except LeaseLost:
        return Report(checked, already_running=True)
    except BaseException:
        _end(scope, held, messages.CHECK_BROKEN)
        raise
    failure = " ".join(failures.values())[:1000] or None
    _end(scope, held, failure)
    return Report(checked, tallies.tally(scope).drifted, failure)


def has_running_changes(scope: Scope) -> bool:
    """Whether a change at a provider may still be running: a later run resolves it if it is not."""
    return any(recovery.is_running(scope) for recovery in _recoveries)


def _begin(scope: Scope, *, everything: bool) -> Lease | None:
    """Takes the lease; None if another run has it."""
    now = clock.now()
    held = Lease(scope, CheckRun, LEASE)
    with scope.transaction():
        if scope.session.get(CheckRun, scope.organization.id) is None:
            scope.session.add(CheckRun(organization_id=scope.organization.id, leased_until=now))
            scope.session.flush()
        if not held.take(started_at=now, finished_at=None, done=0, failure=None):
            return None
        if everything:
            queue.mark_due(scope, changed=False)
        held.write(total=sum(queue.due_counts(scope).values()))
    return held


def _end(scope: Scope, held: Lease, failure: str | None) -> None:
    with scope.transaction(lock=False):
        transitions.sweep(scope)
        held.release(finished_at=clock.now(), failure=failure)


def _provider(scope: Scope, http: Outbound, held: Lease, key: str, failures: dict[str, str]) -> int:
    """Checks one provider's numbers; returns how many. A failure is added to `failures`."""
    state = store.load(scope, PROVIDERS[key])
    numbers = queue.due(scope, key, limit=BATCH)
    look = _looker(scope, http, state, is_few=len(numbers) <= FEW)
    checked = 0
    while numbers:
        scope.end_read()
        results = {number: look(number) for number in numbers}
        _keep(scope, held, key, results)
        checked += len(numbers)
        unanswered = [result for result in results.values() if result.trouble in verdicts.UNANSWERED]
        if unanswered:
            failures[key] = unanswered[0].sentence
            break
        numbers = queue.due(scope, key, after=numbers[-1], limit=BATCH)
    return checked


def _looker(
    scope: Scope, http: Outbound, state: StoredConnection, *, is_few: bool
) -> Callable[[str], ProbeResult]:
    """Returns a lookup for one number: calls for each of a few, one listing for many."""
    provider = state.provider
    if not state.is_usable:
        return lambda _number: ProbeResult(trouble=Reason.PROVIDER_NOT_CONFIGURED)
    if is_few or not probe.can(provider, Capability.NUMBERS):
        return _one_by_one(scope, http.within(SECONDS), state)
    lines: dict[str, ProviderNumber] = {}
    listing: Any = provider

    def read_all(client: Outbound, values: Mapping[str, Any]) -> None:
        for line in listing.numbers(client, values):
            lines[line.phone_number] = line

    shared = http.within(LISTING)
    trouble = verdicts.run_probe(
        lambda: gateway.call(scope, shared, state, read_all, evidence=Evidence.NUMBERS)
    )
    if trouble.trouble:
        return lambda _number: trouble

    def complete(number: str) -> ProbeResult:
        def call(client: Outbound, values: Mapping[str, Any]) -> ProviderNumber | None:
            return provider.completed(client, values, number, lines.get(number))

        return verdicts.run_probe(lambda: gateway.call(scope, shared, state, call, evidence=Evidence.NUMBERS))

    return complete


def _one_by_one(scope: Scope, http: Outbound, state: StoredConnection) -> Callable[[str], ProbeResult]:
    """Returns a lookup that calls the provider until it does not respond: then it takes no more time."""
    unanswered: list[ProbeResult] = []

    def look(number: str) -> ProbeResult:
        if unanswered:
            return unanswered[0]
        result = probe.look(scope, http, state, number)
        if result.outcome in (Outcome.UNREACHABLE, Outcome.BUSY):
            unanswered.append(result)
        return result

    return look


def _keep(scope: Scope, held: Lease, key: str, results: Mapping[str, ProbeResult]) -> None:
    with scope.transaction():
        queue.save_results(scope, key, results)
        held.extend(done=CheckRun.done + len(results))
