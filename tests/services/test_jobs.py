from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.errors import NotFound
from app.models import Job
from app.services import jobs
from app.services.jobs import Kind, Running, State

pytestmark = pytest.mark.both_databases


def started(scope) -> Job:
    return jobs.start(scope, Kind.CHECK_IMPORT, "Reading the file", "/back")


def stored(scope, job) -> Job:
    scope.session.rollback()
    scope.session.expire_all()
    return jobs.get(scope, job.id)


def progress(job: Job) -> tuple[str, int, int]:
    return job.step, job.done, job.total


def test_report_is_seen_by_others_and_does_not_wait_for_the_work(acme, engine, monkeypatch):
    """SQLite has one writer at a time, and in the end it is the work itself."""
    job = started(acme)
    assert progress(job) == ("Reading the file", 0, 0)
    report = Running(engine, job.id).report
    report("Comparing", 0, 3000)
    assert progress(stored(acme, job)) == ("Comparing", 0, 3000)
    report("Comparing", 1000, 3000)
    assert progress(stored(acme, job)) == ("Comparing", 0, 3000), "the last report is a moment old"
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    report("Comparing", 2000, 3000)
    assert progress(stored(acme, job)) == ("Comparing", 2000, 3000)
    assert (jobs.state(job), job.finished_at) == (State.RUNNING, None)
    Running(engine, job.id).finish(result_url="/there")
    ended = stored(acme, job)
    assert (jobs.state(ended), ended.result_url, ended.problem) == (State.DONE, "/there", None)
    assert ended.finished_at is not None

    job = started(acme)
    with acme.transaction():
        acme.organization.name = "Held"
        acme.session.flush()
        Running(engine, job.id).report("Adding", 1000, 2000)
    expected = ("Adding", 1000, 2000) if acme.is_postgresql else ("Reading the file", 0, 0)
    assert progress(stored(acme, job)) == expected


def test_state_of_a_silent_job_is_interrupted_until_it_ends(acme, engine):
    job = started(acme)
    silence = clock.now() - jobs.SILENT - timedelta(seconds=1)
    with acme.transaction():
        job.reported_at = silence
    assert jobs.state(job) is State.INTERRUPTED
    Running(engine, job.id).report("Comparing", 1, 2)
    assert jobs.state(stored(acme, job)) is State.RUNNING
    with acme.transaction():
        job.reported_at = silence
    Running(engine, job.id).finish(problem="It cannot be.")
    assert jobs.state(stored(acme, job)) is State.FAILED


def test_start_deletes_old_jobs_and_interrupt_running_leaves_finished_ones(acme, globex, engine):
    old = started(acme)
    with acme.transaction():
        old.created_at = clock.now() - jobs.KEPT - timedelta(seconds=1)
    recent_job = started(acme)
    assert list(acme.session.scalars(select(Job.id))) == [recent_job.id]

    running, done = started(acme), started(acme)
    Running(engine, done.id).finish(result_url="/there")
    jobs.interrupt_running(acme)
    assert jobs.state(stored(acme, running)) is State.INTERRUPTED
    assert jobs.state(stored(acme, done)) is State.DONE
    with pytest.raises(NotFound):
        jobs.get(globex, running.id)
