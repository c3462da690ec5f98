"""Checks of an organization's connections and numbers; at each provider, one run at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.core import clock
from app.models import CheckRun, Organization
from app.provider import Provider
from app.providers import PROVIDERS, is_trunk
from app.services import sql
from app.services.connections import proof, store, verification
from app.services.drift import hooks, lookup, messages, queue, tallies, verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.lease import Lease, LeaseLost
from app.services.scope import Scope

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

BATCH = 200
"""How many numbers are read before their results are saved."""

LEASE = timedelta(seconds=40)
"""Far longer than one request takes.

Each request extends it, so a killed run is soon continued by another.
"""

RENEW_AFTER = 5.0
"""Seconds between two extensions of the lease."""


@dataclass(frozen=True)
class Report:
    """The result of a check. `already_running`: another run has the lease, and this one did nothing.

    `problems`: sentences about failures beside the numbers, such as refused credentials. `failure`: why
    the check is incomplete.
    """

    checked: int = 0
    drifted: int = 0
    failure: str | None = None
    already_running: bool = False
    problems: tuple[str, ...] = ()

    def words(self) -> str:
        if self.already_running:
            return messages.ALREADY_RUNNING
        return messages.report(self.checked, self.drifted, [*self.problems, self.failure or ""])

    def document(self) -> dict[str, Any]:
        return {
            "checked": self.checked,
            "drifted": self.drifted,
            "problems": list(self.problems),
            "failure": self.failure,
            "already_running": self.already_running,
        }


def check_all(scope: Scope) -> None:
    """Queues a check of every connection and every number of the organization."""
    with scope.transaction():
        queue.mark_due(scope, changed=False)
        for state in store.load_all(scope).values():
            if state.exists and state.enabled:
                _request_check(scope, state.provider.key)
        scope.on_commit(scope.queue_drift_check, scope.organization.id)


def organization_ids(scope: Scope) -> list[str]:
    return list(scope.session.scalars(select(Organization.id).order_by(Organization.name, Organization.id)))


def run(scope: Scope, http: Outbound, *, everything: bool = False) -> Report:
    """Runs the pending checks, or all checks, at one provider after the other."""
    keys = pending(scope)
    if everything:
        states = store.load_all(scope)
        keys |= queue.providers(scope) | {key for key, state in states.items() if state.exists}
    reports = [run_at(scope, http, key, everything=everything) for key in PROVIDERS if key in keys]
    return Report(
        checked=sum(report.checked for report in reports),
        drifted=sum(report.drifted for report in reports),
        failure=" ".join(dict.fromkeys(report.failure for report in reports if report.failure)) or None,
        already_running=any(report.already_running for report in reports),
        problems=tuple(problem for report in reports for problem in report.problems),
    )


def run_at(scope: Scope, http: Outbound, key: str, *, everything: bool = False) -> Report:
    """Runs the pending checks at one provider, or all checks. Unanswered ones stay pending.

    No transaction is open during a provider's request. A run that was killed at any point can be repeated.
    """
    if key not in PROVIDERS or not (everything or key in pending(scope)):
        return Report()
    begun = begin(scope, key, everything=everything)
    if begun is None:
        return Report(already_running=True)
    lease, is_whole = begun
    current = _Run(scope, http.calling(after_each=lambda: lease.renew(RENEW_AFTER)), lease, PROVIDERS[key])
    try:
        current.check(is_whole=is_whole)
    except LeaseLost:
        return Report(current.checked, already_running=True)
    except BaseException:
        end(scope, lease, messages.CHECK_BROKEN, is_whole=is_whole)
        raise
    end(scope, lease, current.failure, is_whole=is_whole)
    drifted = tallies.drifted_among(scope, [key])
    return Report(current.checked, drifted, current.failure, problems=tuple(current.problems))


@dataclass
class _Run:
    """One run that has its lease. It ends when the provider does not respond or limits requests."""

    scope: Scope
    http: Outbound
    lease: Lease
    provider: Provider
    checked: int = 0
    problems: list[str] = field(default_factory=list)
    failure: str | None = None
    is_over: bool = False

    def check(self, *, is_whole: bool) -> None:
        """Runs the steps: the connection, its numbers, the watches, and the recoveries.

        The numbers of a SIP trunk are checked by a watch, which reads the trunk once for all of them.
        """
        judges = is_trunk(self.provider.key)
        numbers = [] if judges else [self._numbers]
        watch = [self._watch] if judges or is_whole else []
        steps = [*([self._connection] if is_whole else []), *numbers, *watch, self._recover]
        for step in steps:
            if not self.is_over:
                step()

    def _connection(self) -> None:
        state = store.load(self.scope, self.provider)
        if not state.is_usable or not verification.can_verify(self.provider):
            return
        tested = verification.check(self.scope, self.http, state)
        if not tested.is_conclusive:
            self._fail(tested.result.reason)
            self.is_over = tested.result.code in proof.PASSING
        elif not tested.result.ok:
            self.problems.append(tested.result.reason)

    def _numbers(self) -> None:
        failure = None
        while failure is None and queue.due_counts(self.scope).get(self.provider.key):
            checked, failure = _check_numbers(self.scope, self.http, self.lease, self.provider.key)
            self.checked += checked
        self._fail(failure)

    def _watch(self) -> None:
        for watch in hooks.watches:
            watched = watch(self.scope, self.http, self.provider)
            self.checked += watched.checked
            self.problems += [watched.problem] if watched.problem else []
            self._fail(watched.failure)

    def _recover(self) -> None:
        for recovery in hooks.recoveries:
            self._fail(recovery.resolve(self.scope, self.http, self.provider))

    def _fail(self, failure: str | None) -> None:
        self.failure = self.failure or (failure and failure[:1000])


def pending(scope: Scope) -> set[str]:
    """Returns the keys of the providers with pending checks, or interrupted changes to resolve.

    Rows may name a provider that is no longer declared; it is left out.
    """
    requested = scope.select(CheckRun).where(CheckRun.due).with_only_columns(CheckRun.provider)
    keys = {*queue.due_counts(scope), *scope.session.scalars(requested)}
    return keys.union(*(recovery.ready(scope) for recovery in hooks.recoveries)) & PROVIDERS.keys()


def _request_check(scope: Scope, key: str) -> None:
    values = {"organization_id": scope.organization.id, "provider": key, "due": True, "done": 0, "total": 0}
    sql.run(scope, sql.upsert(scope, CheckRun, {"due": True}).values(values))


def begin(scope: Scope, key: str, *, everything: bool = False) -> tuple[Lease, bool] | None:
    """Acquires the lease, and returns it with whether everything is checked; None if it is held.

    A killed run is continued without repeating its finished checks.
    """
    now = clock.now()
    lease = Lease(scope, CheckRun, LEASE, CheckRun.provider == key)
    with scope.transaction():
        row = scope.session.get(CheckRun, (scope.organization.id, key))
        if row is None:
            row = CheckRun(organization_id=scope.organization.id, provider=key)
            scope.session.add(row)
            scope.session.flush()
        was_killed = row.started_at is not None and row.finished_at is None
        is_whole = everything or row.due
        if not lease.acquire(started_at=now, finished_at=None, done=0, failure=None, due=is_whole):
            return None
        if everything or (is_whole and not was_killed):
            queue.mark_due(scope, provider=key, changed=False, by_run=True)
        lease.write(total=queue.due_counts(scope).get(key, 0))
    return lease, is_whole


def end(scope: Scope, lease: Lease, failure: str | None, *, is_whole: bool) -> None:
    """Releases the lease. A check of everything that failed stays pending."""
    done = {} if failure or not is_whole else {"due": False}
    with scope.transaction(lock=False):
        lease.release(finished_at=clock.now(), failure=failure, **done)


def _check_numbers(scope: Scope, http: Outbound, lease: Lease, key: str) -> tuple[int, str | None]:
    """Checks one provider's pending numbers. Returns how many, and why the provider did not respond."""
    state = store.load(scope, PROVIDERS[key])
    numbers = queue.due(scope, key, limit=BATCH)
    look = lookup.of(scope, http, state, len(numbers))
    checked, failure = 0, None
    while numbers:
        scope.end_read()
        results = {number: look(number) for number in numbers}
        _save(scope, lease, key, results)
        checked += sum(result.is_read for result in results.values())
        unanswered = [result for result in results.values() if result.trouble in verdicts.UNANSWERED]
        failure = failure or next((result.sentence for result in unanswered), None)
        if any(result.outcome in proof.PASSING for result in unanswered):
            break
        numbers = queue.due(scope, key, after=numbers[-1], limit=BATCH)
    return checked, failure


def _save(scope: Scope, lease: Lease, key: str, results: Mapping[str, ProbeResult]) -> None:
    with scope.transaction():
        queue.save_results(scope, key, results)
        lease.extend(done=CheckRun.done + len(results))
