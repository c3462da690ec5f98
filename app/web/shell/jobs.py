"""The progress page of work that outlasts a request.

A POST starts the work in a thread and redirects to the page. htmx requests its block every second; without
scripts the page reloads itself. The work continues when the user leaves the page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from flask import Flask, Response, current_app, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from app import context, disk
from app.core.errors import Busy, PatchbayError, StorageFull
from app.extensions import db
from app.services import jobs
from app.services.jobs import Kind, State
from app.services.organizations import directory
from app.services.progress import OnProgress
from app.services.scope import Actor, Scope
from app.web.shell import messages, render
from app.web.shell.guard import Pages, Who

job_pages = Pages("jobs", __name__)

MANY = 2_000
"""Rows from which on the work is a job; fewer are done within the request."""

MOST = 4
"""Jobs that run at the same time in one process: each has a thread and a connection to the database."""

log = structlog.get_logger(__name__)

Run = Callable[[Scope, OnProgress], str]
"""The work. Returns the address of the page that shows its result."""

_slots = threading.BoundedSemaphore(MOST)


def begin(scope: Scope, kind: Kind, run: Run, *, back: str) -> Response:
    """Starts the work and redirects to its page; `back` is where to go from a problem.

    Raises Busy before anything is stored.
    """
    if not _slots.acquire(blocking=False):
        raise Busy(messages.TOO_MANY_JOBS)
    try:
        job = jobs.start(scope, kind, messages.JOB_FIRST_STEPS[kind], back)
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        work = (app, scope.actor, scope.organization.id, job.id, run)
        threading.Thread(target=_work, args=work, name="job", daemon=True).start()
    except BaseException:
        _slots.release()
        raise
    return render.redirect_to(url_for("jobs.show", slug=scope.organization.slug, job_id=job.id))


def _work(app: Flask, actor: Actor, organization_id: str, job_id: str, run: Run) -> None:
    try:
        with app.app_context():
            result_url, problem = _run(actor, organization_id, job_id, run)
            jobs.finish(db.engine, job_id, result_url=result_url, problem=problem)
    except Exception:
        log.exception("job.outcome_not_stored", job=job_id, request_id=actor.request_id)
    finally:
        _slots.release()


def _run(actor: Actor, organization_id: str, job_id: str, run: Run) -> tuple[str, str]:
    """Returns the address of the result and what went wrong; one of them is empty."""
    try:
        scope = context.scope(actor)
        inside = scope.for_organization(directory.by_id(scope, organization_id))
        return run(inside, jobs.reporter(db.engine, job_id)), ""
    except PatchbayError as error:
        return "", error.message
    except Exception as error:
        log.exception("job.failed", job=job_id, request_id=actor.request_id)
        if isinstance(error, OSError | DBAPIError) and disk.is_full(error, db.engine.url.database):
            return "", StorageFull().message
        return "", messages.job_failed(actor.request_id)
    finally:
        db.session.remove()


@job_pages.page("/o/<slug>/jobs/<job_id>", who=Who.SUPERADMIN, title="Import endpoints")
def show(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Shows the progress of a job; of one that is done, redirects to the result."""
    job = jobs.get(scope, job_id)
    state = jobs.state(job)
    if state is State.DONE and not render.is_fragment_request():
        return render.redirect_to(str(job.result_url))
    response = render.page(
        "shell/job.html",
        job=job,
        state=state,
        about=messages.ABOUT_JOBS[Kind(job.kind)] if state is State.RUNNING else "",
        interrupted=messages.JOB_INTERRUPTED[Kind(job.kind)],
    )
    if state is State.DONE:
        response.headers["HX-Redirect"] = str(job.result_url)
    return response
