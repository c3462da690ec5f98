"""The progress page of a job that outlasts a request.

A POST starts the job in a thread and redirects to the page. htmx requests its block every second; without
scripts the page reloads itself. The job continues when the user leaves the page.
"""

from __future__ import annotations

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app import job_threads
from app.job_threads import Run
from app.services import jobs
from app.services.jobs import Kind, State
from app.services.scope import Scope
from app.web.shell import messages, render
from app.web.shell.guard import Pages, Who

job_pages = Pages("jobs", __name__)

MANY = 2_000
"""The number of rows from which the work is a job; fewer are processed within the request."""

IMPORTS = (Kind.CHECK_IMPORT, Kind.APPLY_IMPORT)


def begin(
    scope: Scope, kind: Kind, run: Run, *, back: str, page: str = "jobs.show", total: int = 0
) -> Response:
    """Starts the job and redirects to its page. Raises the errors of `job_threads.start`."""
    step = messages.JOB_FIRST_STEPS[kind]
    job = job_threads.start(scope, kind, run, step=step, back=back, total=total)
    return render.redirect_to(url_for(page, slug=scope.organization.slug, job_id=job.id))


@job_pages.page("/o/<slug>/endpoints/jobs/<job_id>", who=Who.SUPERADMIN, title="Import endpoints")
def show(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Shows the progress of an import; redirects to the result when it is done."""
    job = jobs.get(scope, job_id, IMPORTS)
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
