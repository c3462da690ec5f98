"""Work that outlasts a request. Each job is a row, so that every process can show its progress.

The work runs in a thread of the process that started it. It reports through connections of its own, since
its session may be inside a transaction.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Engine, case, delete, false, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, phone
from app.core.errors import Conflict, NotFound
from app.models import Job, JobResult
from app.services import keyset, messages
from app.services.keyset import Mark, Order, Page
from app.services.scope import Scope

KEPT = timedelta(days=1)
SILENT = timedelta(minutes=5)
"""A running job without a report for this long counts as interrupted.

On SQLite, the transaction of the work delays its own reports.
"""

REPORT_SECONDS = 0.5
"""Seconds between two reports of one step; a new step is reported immediately."""


class Kind(StrEnum):
    CHECK_IMPORT = "check-import"
    APPLY_IMPORT = "apply-import"
    SET_WEBHOOKS = "set-webhooks"
    RESTORE_WEBHOOKS = "restore-webhooks"
    CLEAR_WEBHOOKS = "clear-webhooks"
    TEST_WEBHOOKS = "test-webhooks"


AT_PROVIDERS = (Kind.SET_WEBHOOKS, Kind.RESTORE_WEBHOOKS, Kind.CLEAR_WEBHOOKS)
"""Kinds that change numbers at their providers."""

TESTS = (Kind.TEST_WEBHOOKS,)
"""Kinds that send requests to agent runtimes."""

API_KINDS = (*AT_PROVIDERS, *TESTS)
"""Kinds that the API shows. The others have pages only."""

ALONE = {AT_PROVIDERS: messages.JOB_RUNNING, TESTS: messages.TESTS_RUNNING}
"""An organization has at most one running job of each of these groups.

The value is the sentence of the error.
"""


class State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


def name(kind: Kind) -> str:
    """Returns the name of the kind in the API."""
    return kind.replace("-", "_")


def start(scope: Scope, kind: Kind, step: str, back_url: str, *, total: int = 0) -> Job:
    """Stores and returns a new running job, and deletes jobs that are older than a day.

    Raises Conflict, with the id of the running job, if the kind's group in `ALONE` has one.
    """
    group = next((group for group in ALONE if kind in group), None)
    with scope.transaction(lock=group is not None):
        if group and (other := running(scope, group)):
            raise Conflict(ALONE[group], code="JOB_RUNNING", existing_id=other.id)
        scope.session.execute(delete(Job).where(Job.created_at < clock.now() - KEPT))
        job = Job(
            organization_id=scope.organization.id,
            kind=kind,
            state=State.RUNNING,
            actor_name=scope.actor.name,
            step=step,
            back_url=back_url,
            total=total,
        )
        scope.session.add(job)
    return job


def get(scope: Scope, job_id: str, kinds: Collection[Kind] = tuple(Kind)) -> Job:
    """Returns the job. Raises NotFound if it does not exist or is not one of `kinds`."""
    job = scope.get(Job, job_id, what="job")
    if job.kind not in kinds:
        raise NotFound(messages.not_found("job"))
    return job


def state(job: Job) -> State:
    """Returns the job's state: INTERRUPTED for a running job that has stopped reporting."""
    stored = State(job.state)
    if stored is State.RUNNING and job.reported_at < clock.now() - SILENT:
        return State.INTERRUPTED
    return stored


def running(scope: Scope, kinds: Collection[Kind]) -> Job | None:
    """Returns the organization's running job of one of these kinds, or None."""
    query = scope.select(Job).where(Job.kind.in_([str(kind) for kind in kinds]), Job.state == State.RUNNING)
    return next((job for job in scope.session.scalars(query) if state(job) is State.RUNNING), None)


def request_stop(scope: Scope, job_id: str, kinds: Collection[Kind]) -> Job:
    """Returns the job, and makes it stop before its next number if it is running."""
    with scope.transaction(lock=False):
        job = get(scope, job_id, kinds)
        job.stop_requested = job.stop_requested or state(job) is State.RUNNING
    return job


@dataclass
class Running:
    """The handle with which the work of a job reports its progress and outcome."""

    engine: Engine
    id: str
    has_stopped: bool = False
    """Whether the work ended early because a user requested it."""
    _last_step: str = ""
    _last_counts: tuple[int, int] = (0, 0)
    _last_time: float = field(default=0.0)

    def report(self, step: str, done: int, total: int) -> None:
        """Stores the progress, at most once in `REPORT_SECONDS` for one step.

        The report is skipped if it would wait for another writer: on SQLite, that may be the work itself.
        """
        now = time.monotonic()
        self._last_counts = done, total
        if step == self._last_step and now - self._last_time < REPORT_SECONDS:
            return
        self._last_step, self._last_time = step, now
        with suppress(SQLAlchemyError):
            values = {"step": step, "done": done, "total": total, "reported_at": clock.now()}
            _write(self.engine, self.id, waits=False, **values)

    def keep_alive(self) -> None:
        """Repeats the last report, so that a job without progress does not count as interrupted."""
        self.report(self._last_step, *self._last_counts)

    @property
    def must_stop(self) -> bool:
        """Whether a user requested that the job stop."""
        with self.engine.connect() as connection:
            query = select(Job.stop_requested).where(Job.id == self.id)
            return bool(connection.scalar(query))

    def finish(self, *, result_url: str = "", problem: str = "") -> None:
        """Stores the outcome: the address of the result's page, if there is one, or the problem."""
        state = State.FAILED if problem else State.STOPPED if self.has_stopped else State.DONE
        outcome = {"result_url": result_url or None, "problem": problem or None}
        _write(self.engine, self.id, waits=True, state=state, finished_at=clock.now(), **outcome)


def interrupt_running(scope: Scope) -> None:
    """Marks every running job as interrupted. For a start, when no process can be running one."""
    with scope.transaction(lock=False):
        running = Job.state == State.RUNNING
        scope.session.execute(update(Job).where(running).values(state=State.INTERRUPTED))


def _write(engine: Engine, job_id: str, *, waits: bool, **values: object) -> None:
    connecting = engine.connect().execution_options(writes=True, waits=waits)
    with connecting as connection, connection.begin():
        connection.execute(update(Job).where(Job.id == job_id).values(values))


@dataclass(frozen=True)
class Counts:
    """How many results a job has, and how many of them failed, are unconfirmed, or can be undone."""

    done: int
    failed: int
    unconfirmed: int
    undoable: int


def counts(scope: Scope, job: Job) -> Counts:
    row = JobResult
    columns = (
        func.count(),
        func.count().filter(row.ok == false()),
        func.count().filter(row.ok.is_(None)),
        func.count(row.settings),
    )
    return Counts(*scope.session.execute(select(*columns).where(row.job_id == job.id)).one())


def results(scope: Scope, job: Job, *, limit: int | None = None) -> list[JobResult]:
    """Returns the job's results so far: failures first, then unconfirmed ones, then by number."""
    rank = case((JobResult.ok == false(), 0), (JobResult.ok.is_(None), 1), else_=2)
    query = scope.select(JobResult).where(JobResult.job_id == job.id)
    return list(scope.session.scalars(query.order_by(rank, JobResult.phone_number).limit(limit)))


BY_NUMBER = Order(JobResult.phone_number, JobResult.phone_number)


def results_page(scope: Scope, job: Job, *, limit: int, cursor: str | None = None) -> Page[JobResult]:
    """Returns up to `limit` results by number.

    The cursor is the last number of the page before, without +. Raises BadCursor.
    """
    number = f"+{cursor}"
    if cursor and not phone.E164.fullmatch(number):
        raise keyset.BadCursor
    query = scope.select(JobResult).where(JobResult.job_id == job.id)
    mark = Mark(number, number) if cursor else None
    return keyset.page(scope.session, query, BY_NUMBER, mark, limit=limit, cursor=_cursor)


def _cursor(row: JobResult, _is_before: bool) -> str:
    return row.phone_number.removeprefix("+")
