"""`/api/settings/jobs`: the progress and results of jobs; stopping and undoing a job."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from app import context, job_threads
from app.api import examples, parameters, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.core import clock
from app.job_threads import Run
from app.models import Job, JobResult
from app.services import jobs as service
from app.services.jobs import API_KINDS, Kind, Running
from app.services.scope import Scope
from app.services.webhooks import jobs as work
from app.services.webhooks import messages

jobs = blueprint("jobs", "/api/settings", Tag("Jobs", "Work on many endpoints, with its results."))

PAGE = 200
PAGE_MOST = 1000


def start_job(scope: Scope, kind: Kind, run: Run, *, step: str, total: int) -> ResponseReturnValue:
    """Starts a job on endpoints, and returns a 202 with its URL. Raises as `job_threads.start`."""
    back = url_for("endpoints.table", slug=scope.organization.slug)
    job = job_threads.start(scope, kind, run, step=step, back=back, total=total)
    path = responses.own_path(scope, "api_jobs.get_job", job_id=job.id)
    return responses.document({"id": job.id, "url": f"{context.own_origin()}{path}"}, 202, location=path)


@jobs.operation(
    "GET",
    "/jobs/<job_id>",
    who=Who.SUPERADMIN,
    returns="The progress.",
    response=schemas.Job,
    example=examples.JOB,
)
def get_job(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Get a job

    Poll it until `state` is no longer `running`. Jobs are kept for a day.
    """
    return _document(scope, service.get(scope, job_id, API_KINDS))


@jobs.operation(
    "GET",
    "/jobs/<job_id>/results",
    who=Who.SUPERADMIN,
    returns="A page of results, sorted by phone number.",
    parameters=parameters.paging("results", PAGE, PAGE_MOST, parameters.DIGITS),
    response=schemas.JobResult,
    is_list=True,
    example=examples.JOB_RESULTS,
    headers=("ETag", "Link"),
)
def list_job_results(scope: Scope, job_id: str, query: Any) -> ResponseReturnValue:
    """List the results of a job

    Returns what became of each endpoint so far. The `Link` header has the URL of the next page. While the
    job runs, results may be added to pages that were read.
    """
    job = service.get(scope, job_id, API_KINDS)
    limit = query.get("limit", PAGE)
    page = service.results_page(scope, job, limit=limit, cursor=query.get("cursor"))
    response = responses.document([_result(row) for row in page.rows], tagged=True)
    return responses.with_next(response, page.next)


@jobs.operation(
    "POST",
    "/jobs/<job_id>/stop",
    who=Who.SUPERADMIN,
    returns="The job, which stops before the next endpoint.",
    response=schemas.Job,
    example=examples.JOB,
)
def stop_job(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Stop a job

    What was changed stays changed and is confirmed; then `state` is `stopped`. A job that has ended is
    returned as it is.
    """
    return _document(scope, service.request_stop(scope, job_id, API_KINDS))


@jobs.operation(
    "DELETE",
    "/jobs/<job_id>",
    who=Who.SUPERADMIN,
    returns="The job, which stops before the next endpoint.",
    response=schemas.Job,
    example=examples.JOB,
)
def cancel_job(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Stop a job by its URL

    The same as `POST` to its `/stop`. The job and its results stay.
    """
    return stop_job(scope, job_id)


@jobs.operation(
    "POST",
    "/jobs/<job_id>/undo",
    who=Who.SUPERADMIN,
    returns="Another job was started. `Location` and `url` are where to read its progress.",
    response=schemas.StartedJob,
    example=examples.STARTED_JOB,
    status=202,
    headers=("Location",),
    creates="/api/settings/jobs",
    errors=("JOB_RUNNING", "CANNOT_UNDO"),
)
def undo_job(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Undo a job

    Starts a job that restores the webhooks that a `set_webhooks` job replaced. A number that was changed
    since is left alone.
    """
    _, items = work.undoable(scope, job_id)
    http = context.outbound()

    def run(inside: Scope, job: Running) -> str:
        work.restore_webhooks(inside, http, job, job_id)
        return ""

    return start_job(scope, Kind.RESTORE_WEBHOOKS, run, step=messages.PREPARING, total=len(items))


def _document(scope: Scope, job: Job) -> ResponseReturnValue:
    counts = service.counts(scope, job)
    body = {
        "id": job.id,
        "kind": service.name(Kind(job.kind)),
        "state": str(service.state(job)),
        "total": max(job.total, counts.done),
        "done": counts.done,
        "failed": counts.failed,
        "problem": job.problem,
        "created_at": clock.utc(job.created_at),
        "finished_at": clock.utc(job.finished_at) if job.finished_at else None,
    }
    return responses.document(body)


def _result(row: JobResult) -> dict[str, Any]:
    return {
        "endpoint_id": row.endpoint_id,
        "phone_number": row.phone_number,
        "ok": row.ok,
        "code": row.code,
        "reason": row.reason,
    }
