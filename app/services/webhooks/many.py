"""Changes many numbers at their providers, one provider after the other, as a job.

Each provider's list is read once before the changes and once after them, and no check of the same
connection runs at the same time. If the job is killed, the next check reads the numbers again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from app.core.errors import Conflict, PatchbayError, TooMany
from app.models import JobResult
from app.provider import Outcome
from app.provider import numbers as provider_numbers
from app.services import progress
from app.services.connections import gateway, store
from app.services.connections.store import StoredConnection
from app.services.drift import lookup, probe, queue, runs, verdicts
from app.services.drift.lookup import Lookup
from app.services.drift.verdicts import ProbeResult
from app.services.jobs import Running
from app.services.lease import Lease, LeaseLost
from app.services.scope import Scope
from app.services.webhooks import changes, messages
from app.services.webhooks.changes import Change, Step
from app.services.webhooks.edits import Edit, Item, Result

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound

PAUSES = (2.0, 5.0, 15.0)
"""Seconds before repeating a change that the provider rejected because of its rate limit."""

NOT_TAKEN = (Outcome.RATE_LIMITED, Outcome.BUSY)
MOST_SILENCES = 2
"""After this many changes in a row without a response, the provider's other numbers are not tried."""

WAIT_SECONDS = 1.0
"""Seconds between two attempts to acquire the lease that a check of the connection holds."""


def run(scope: Scope, http: Outbound, job: Running, items: Sequence[Item], edit: Edit) -> None:
    """Changes the numbers, and stores the result of each. Raises Conflict if the lease was lost.

    A number has an unconfirmed result before its change is sent, so that an interrupted job shows it.
    """
    job.report(messages.PREPARING, 0, len(items))
    done = _Done(scope, job, edit, len(items))
    ordered = sorted(items, key=lambda item: (item.provider, item.phone_number))
    for key, some in groupby(ordered, key=lambda item: item.provider):
        if job.must_stop:
            job.has_stopped = True
            return
        state = store.load(scope, store.provider_of(key))
        _AtProvider(scope, http, job, edit, done, state).run(list(some))


@dataclass
class _Done:
    """Stores the results, and reports the progress."""

    scope: Scope
    job: Running
    edit: Edit
    total: int
    count: int = 0

    def add(self, item: Item, result: Result, step: Step | None = None) -> None:
        self._store(item, result, step)
        self.count += 1
        self.job.report(messages.CHANGING, self.count, self.total)

    def confirm(self, item: Item, result: Result, step: Step) -> None:
        self._store(item, result, step)

    def _store(self, item: Item, result: Result, step: Step | None) -> None:
        settings = provider_numbers.settings(step.before) if step and self.edit.is_undoable else None
        row = JobResult(
            job_id=self.job.id,
            phone_number=item.phone_number,
            organization_id=self.scope.organization.id,
            endpoint_id=item.endpoint_id,
            provider=item.provider,
            ok=result.ok,
            code=result.code,
            reason=result.reason,
            settings=json.dumps(settings) if settings and result.ok is not False else None,
            url=step.url if step else None,
        )
        with self.scope.transaction(lock=False):
            self.scope.session.merge(row)


@dataclass
class _AtProvider:
    """The numbers of one connection."""

    scope: Scope
    http: Outbound
    job: Running
    edit: Edit
    done: _Done
    state: StoredConnection
    observed: dict[str, ProbeResult] = field(default_factory=dict)
    changes: list[tuple[Item, Change]] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.state.provider.key

    def run(self, items: Sequence[Item]) -> None:
        ready = [item for item in items if self._is_ready(item)]
        lease = self._acquire_lease() if ready else None
        if lease is None:
            return
        self.http = self.http.calling(after_each=lambda: lease.renew(runs.RENEW_AFTER))
        try:
            self._queue_check(ready)
            self._change(ready)
            self._confirm()
            self._save_results()
        except LeaseLost:
            raise Conflict(messages.LEASE_LOST, code="INTERRUPTED") from None
        finally:
            runs.end(self.scope, lease, None, is_whole=False)

    def _is_ready(self, item: Item) -> bool:
        try:
            self.edit.check(item)
        except Conflict as error:
            self.done.add(item, _failed_result(error))
            return False
        return True

    def _acquire_lease(self) -> Lease | None:
        """Waits until no check of the connection runs, and acquires its lease; None if stopped."""
        while not self._must_stop():
            if begun := runs.begin(self.scope, self.key):
                return begun[0]
            self.job.report(messages.WAITING, self.done.count, self.done.total)
            time.sleep(WAIT_SECONDS)
        return None

    def _must_stop(self) -> bool:
        self.job.has_stopped = self.job.has_stopped or self.job.must_stop
        return self.job.has_stopped

    def _queue_check(self, items: Sequence[Item]) -> None:
        """Queues a check of the numbers, which this job cancels by its own readings."""
        with self.scope.transaction():
            numbers = [item.phone_number for item in items]
            queue.mark_due(self.scope, numbers, provider=self.key, changed=False)

    def _change(self, items: Sequence[Item]) -> None:
        state = replace(self.state, provider=self.state.provider.for_run())
        look, silences = lookup.of(self.scope, self.http, state, len(items)), 0
        for item in items:
            if self._must_stop():
                return
            if not (response := self._change_one(state, look, item)):
                continue
            silences = silences + 1 if response.outcome == Outcome.UNREACHABLE else 0
            if silences == MOST_SILENCES or response.outcome in NOT_TAKEN:
                look = partial(_not_tried, response)

    def _change_one(self, state: StoredConnection, look: Lookup, item: Item) -> ProbeResult | None:
        """Returns the response to the change; None if nothing was sent."""
        reading = self.observed[item.phone_number] = look(item.phone_number)
        try:
            step = self.edit.step(item, state.provider, reading)
        except Conflict as error:
            self.done.add(item, _failed_result(error))
            return None
        if step is None:
            self.done.add(item, _unchanged_result(self.edit.result(item, reading)))
            return None
        self.done.add(item, Result(None, "unconfirmed", messages.UNCONFIRMED), step)
        change = self._send(state, step)
        if not change.response.trouble:
            changes.record_outcome(self.scope, change, None, step.url)
        self.changes.append((item, change))
        return change.response

    def _send(self, state: StoredConnection, step: Step) -> Change:
        change = changes.send(self.scope, self.http, state, step)
        for pause in PAUSES:
            if change.response.outcome not in NOT_TAKEN or self.job.must_stop:
                break
            change.intent.fail(change.response.sentence)
            time.sleep(pause)
            change = changes.send(self.scope, self.http, state, step)
        return change

    def _confirm(self) -> None:
        """Reads the changed numbers again, and decides the changes without a clear response."""
        if not self.changes:
            return
        self.job.report(messages.CONFIRMING, self.done.count, self.done.total)
        read = [reading.number for reading in self.observed.values() if reading.number]
        places = {number.phone_number: number.place for number in read if number.place}
        look = lookup.of(self.scope, self.http, self.state, len(self.changes), places=places)
        for item, change in self.changes:
            reading = look(item.phone_number)
            self.observed[item.phone_number] = _with_place(reading, places.get(item.phone_number))
            outcome = partial(_outcome, self.scope, change) if change.response.trouble else _result
            self.done.confirm(item, outcome(self.edit, item, reading), change.step)

    def _save_results(self) -> None:
        """Saves the readings as results of checks."""
        numbers = sorted(self.observed)
        for some in progress.batches(numbers, messages.CONFIRMING, progress.ignore):
            with self.scope.transaction():
                results = {number: self.observed[number] for number in some}
                queue.save_results(self.scope, self.key, results)


def one(scope: Scope, http: Outbound, item: Item, edit: Edit) -> Result:
    """Changes one number immediately, not as a job. Errors are returned as results."""
    try:
        edit.check(item)
        state, number = store.load(scope, store.provider_of(item.provider)), item.phone_number
        reading = probe.read_number(scope, http, state, number, quota=gateway.OBSERVE)
        step = edit.step(item, state.provider, reading)
        if step is None:
            return _unchanged_result(edit.result(item, reading))
        change = changes.send(scope, http, state, step)
        return _outcome(scope, change, edit, item, probe.read_number(scope, http, state, number))
    except (Conflict, TooMany) as error:
        return _failed_result(error)


def _result(edit: Edit, item: Item, observed: ProbeResult) -> Result:
    try:
        return edit.result(item, observed)
    except Conflict as error:
        return _failed_result(error)


def _outcome(scope: Scope, change: Change, edit: Edit, item: Item, observed: ProbeResult) -> Result:
    """Returns the result as `_result` does, and records the outcome of the change."""
    result, response = _result(edit, item, observed), change.response
    if changes.record_outcome(scope, change, result.ok, verdicts.address(observed.number)):
        return result
    is_failure = result.ok is False
    sentence = f"{response.sentence} {messages.NOT_SET if is_failure else messages.UNCONFIRMED}"
    return Result(False if is_failure else None, str(response.outcome or response.trouble), sentence)


def _with_place(observed: ProbeResult, place: str | None) -> ProbeResult:
    """Returns the reading with the place from before the change."""
    return (
        replace(observed, number=replace(observed.number, place=place))
        if observed.number and place
        else observed
    )


def _not_tried(response: ProbeResult, _number: str) -> ProbeResult:
    return replace(response, sentence=messages.not_tried(response.sentence))


def _failed_result(error: PatchbayError) -> Result:
    return Result(False, error.code.lower(), error.message)


def _unchanged_result(result: Result) -> Result:
    """Returns the result if nothing was sent: an unknown outcome counts as a failure."""
    return Result(bool(result.ok), result.code, result.reason)
