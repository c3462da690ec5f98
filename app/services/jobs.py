"""Work that outlasts a request. Each job is a row, so that every process can show its progress.

The work runs in a thread of the process that started it. It reports through connections of its own, since
its session may be inside a transaction.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Engine, delete, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock
from app.models import Job
from app.services.progress import OnProgress
from app.services.scope import Scope

KEPT = timedelta(days=1)
SILENT = timedelta(minutes=5)
"""A job without a report for so long is taken for interrupted: on SQLite, its own transaction delays them."""

REPORT_SECONDS = 0.5
"""Between two reports of one step; a new step is reported immediately."""


class Kind(StrEnum):
    CHECK_IMPORT = "check-import"
    APPLY_IMPORT = "apply-import"


class State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


def start(scope: Scope, kind: Kind, step: str, back_url: str) -> Job:
    """Stores a new job, and deletes jobs that are older than a day."""
    with scope.transaction(lock=False):
        scope.session.execute(delete(Job).where(Job.created_at < clock.now() - KEPT))
        job = Job(
            organization_id=scope.organization.id,
            kind=kind,
            state=State.RUNNING,
            actor_name=scope.actor.name,
            step=step,
            back_url=back_url,
        )
        scope.session.add(job)
    return job


def get(scope: Scope, job_id: str) -> Job:
    return scope.get(Job, job_id, what="job")


def state(job: Job) -> State:
    """Returns the job's state; a running one that has stopped reporting is interrupted."""
    found = State(job.state)
    if found is State.RUNNING and job.reported_at < clock.now() - SILENT:
        return State.INTERRUPTED
    return found


def reporter(engine: Engine, job_id: str) -> OnProgress:
    """Returns the function that the work calls with its progress.

    A report that would wait for another writer is skipped: on SQLite, the work itself may be that writer.
    """
    last_step, last_time = "", 0.0

    def report(step: str, done: int, total: int) -> None:
        nonlocal last_step, last_time
        now = time.monotonic()
        if step == last_step and now - last_time < REPORT_SECONDS:
            return
        last_step, last_time = step, now
        with suppress(SQLAlchemyError):
            _write(engine, job_id, waits=False, step=step, done=done, total=total, reported_at=clock.now())

    return report


def finish(engine: Engine, job_id: str, *, result_url: str = "", problem: str = "") -> None:
    """Stores the outcome of a job: the address of its result, or what went wrong."""
    outcome = {"result_url": result_url or None, "problem": problem or None}
    state = State.DONE if result_url else State.FAILED
    _write(engine, job_id, waits=True, state=state, finished_at=clock.now(), **outcome)


def interrupt_running(scope: Scope) -> None:
    """Marks every running job as interrupted. Call it when no process can be running one."""
    with scope.transaction(lock=False):
        running = Job.state == State.RUNNING
        scope.session.execute(update(Job).where(running).values(state=State.INTERRUPTED))


def _write(engine: Engine, job_id: str, *, waits: bool, **values: object) -> None:
    connecting = engine.connect().execution_options(writes=True, waits=waits)
    with connecting as connection, connection.begin():
        connection.execute(update(Job).where(Job.id == job_id).values(values))
