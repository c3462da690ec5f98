"""Runs jobs in threads of the process that starts them, for pages and the API alike."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError

from app import context, disk
from app.core.errors import Busy, PatchbayError, StorageFull
from app.extensions import db
from app.models import Job
from app.services import jobs, messages
from app.services.jobs import Kind, Running
from app.services.organizations import directory
from app.services.scope import Actor, Scope

MOST = 4
"""Jobs that run at the same time in one process: each has a thread and a connection to the database."""

log = structlog.get_logger(__name__)

Run = Callable[[Scope, Running], str]
"""The work of a job. Returns the URL of the page with its result; "" if that is the job's own page."""

_slots = threading.BoundedSemaphore(MOST)


def start(scope: Scope, kind: Kind, run: Run, *, step: str, back: str, total: int = 0) -> Job:
    """Starts the work in a thread, and returns its job.

    `step` is the first step; `back` is the link on the page of a problem. Raises Busy, or Conflict as
    `jobs.start`, before anything is stored.
    """
    if not _slots.acquire(blocking=False):
        raise Busy(messages.TOO_MANY_JOBS)
    try:
        job = jobs.start(scope, kind, step, back, total=total)
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        work = (app, scope.actor, scope.organization.id, job.id, run)
        threading.Thread(target=_work, args=work, name="job", daemon=True).start()
    except BaseException:
        _slots.release()
        raise
    return job


def _work(app: Flask, actor: Actor, organization_id: str, job_id: str, run: Run) -> None:
    try:
        with app.app_context():
            job = Running(db.engine, job_id)
            result_url, problem = _run(actor, organization_id, job, run)
            job.finish(result_url=result_url, problem=problem)
    except Exception:
        log.exception("job.outcome_not_stored", job=job_id, request_id=actor.request_id)
    finally:
        _slots.release()


def _run(actor: Actor, organization_id: str, job: Running, run: Run) -> tuple[str, str]:
    """Returns the URL of the result and the problem; one of them is empty."""
    try:
        scope = context.scope(actor)
        inside = scope.for_organization(directory.by_id(scope, organization_id))
        return run(inside, job), ""
    except PatchbayError as error:
        return "", error.message
    except Exception as error:
        log.exception("job.failed", job=job.id, request_id=actor.request_id)
        if isinstance(error, OSError | DBAPIError) and disk.is_full(error, db.engine.url.database):
            return "", StorageFull().message
        return "", messages.job_failed(actor.request_id)
    finally:
        db.session.remove()
