"""Jobs that change or test the webhooks of many numbers: their progress and results, stop and undo."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.job_threads import Run
from app.services import jobs
from app.services.endpoints.bulk import Selection
from app.services.jobs import API_KINDS, Kind, Running, State
from app.services.scope import Scope
from app.services.webhook_tests import many
from app.services.webhooks import jobs as work
from app.services.webhooks.edits import Item
from app.web.endpoints import messages
from app.web.shell import jobs as job_pages
from app.web.shell import render
from app.web.shell.forms import ConfirmForm
from app.web.shell.guard import Pages, Who

webhook_jobs = Pages("webhook_jobs", __name__)

SHOWN = 200
"""How many results the page shows, failures first. The API returns all of them."""


def set_webhooks(scope: Scope, selection: Selection, count: int, *, replaces_services: bool) -> Response:
    """Starts the job and redirects to its page. Raises Busy, and Conflict if one is running."""
    http = context.outbound()

    def run(inside: Scope, job: Running) -> str:
        work.set_webhooks(inside, http, job, selection, replaces_services=replaces_services)
        return ""

    return _begin(scope, Kind.SET_WEBHOOKS, run, count)


def test_webhooks(scope: Scope, selection: Selection, *, signed: bool) -> Response:
    """Starts a job that requests the agent runtimes only. Raises as `set_webhooks`."""
    http = context.outbound()

    def run(inside: Scope, job: Running) -> str:
        many.run(inside, http, job, selection, signed=signed)
        return ""

    return _begin(scope, Kind.TEST_WEBHOOKS, run, many.count(scope, selection))


def clear_webhooks(scope: Scope, items: Sequence[Item]) -> Response:
    """Starts a job for the webhooks of deleted endpoints. Raises as `set_webhooks`."""
    http = context.outbound()

    def run(inside: Scope, job: Running) -> str:
        work.clear_webhooks(inside, http, job, items)
        return ""

    return _begin(scope, Kind.CLEAR_WEBHOOKS, run, len(items))


def _begin(scope: Scope, kind: Kind, run: Run, total: int) -> Response:
    back, page = url_for("endpoints.table"), "webhook_jobs.show"
    return job_pages.begin(scope, kind, run, back=back, page=page, total=total)


@webhook_jobs.page("/o/<slug>/endpoints/webhooks/<job_id>", who=Who.SUPERADMIN, title="Webhook job")
def show(scope: Scope, job_id: str) -> ResponseReturnValue:
    """Shows the progress of a job, and the result of each number."""
    job = jobs.get(scope, job_id, API_KINDS)
    kind, state = Kind(job.kind), jobs.state(job)
    return render.page(
        "endpoints/webhook_job.html",
        job=job,
        state=state,
        counts=jobs.counts(scope, job),
        results=jobs.results(scope, job, limit=SHOWN),
        most=SHOWN,
        heading=messages.WEBHOOK_JOBS[kind],
        can_undo=kind is Kind.SET_WEBHOOKS and state is not State.RUNNING,
        is_clearing=kind is Kind.CLEAR_WEBHOOKS,
        is_test=kind is Kind.TEST_WEBHOOKS,
    )


@webhook_jobs.page("/o/<slug>/endpoints/webhooks/<job_id>/stop", who=Who.SUPERADMIN, methods=["POST"])
def stop(scope: Scope, job_id: str) -> ResponseReturnValue:
    jobs.request_stop(scope, job_id, API_KINDS)
    return render.redirect_to(url_for("webhook_jobs.show", job_id=job_id))


@webhook_jobs.page(
    "/o/<slug>/endpoints/webhooks/<job_id>/undo", who=Who.SUPERADMIN, title="Restore the earlier webhooks?"
)
def confirm_undo(scope: Scope, job_id: str) -> ResponseReturnValue:
    job, items = work.undoable(scope, job_id)
    return render.page("endpoints/webhook_undo.html", job=job, count=len(items), form=ConfirmForm())


@webhook_jobs.page("/o/<slug>/endpoints/webhooks/<job_id>/undo", who=Who.SUPERADMIN, methods=["POST"])
def undo(scope: Scope, job_id: str) -> ResponseReturnValue:
    _, items = work.undoable(scope, job_id)
    http = context.outbound()

    def run(inside: Scope, job: Running) -> str:
        work.restore_webhooks(inside, http, job, job_id)
        return ""

    return _begin(scope, Kind.RESTORE_WEBHOOKS, run, len(items))
