"""`/api/settings/endpoints/point`: configuring the webhooks of many endpoints, as a job."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app import context
from app.api import examples, schemas
from app.api.jobs import start_job
from app.api.operations import Named, Tag, Who, blueprint
from app.services.jobs import Kind, Running
from app.services.scope import Scope
from app.services.webhooks import jobs as work
from app.services.webhooks import messages, targets
from app.services.webhooks.targets import WebhookTargets

webhook_jobs = blueprint(
    "webhook_jobs",
    "/api/settings",
    Tag("Webhook jobs", "Configuring the webhooks of many endpoints at their providers."),
)


@webhook_jobs.operation(
    "POST",
    "/endpoints/point",
    who=Who.SUPERADMIN,
    returns="The job was started. `Location` and `url` are where to read its progress.",
    body=WebhookTargets,
    body_example=Named({"By id": examples.WEBHOOK_TARGETS, "By filter": examples.WEBHOOK_TARGETS_BY_FILTER}),
    response=schemas.StartedJob,
    example=examples.STARTED_JOB,
    status=202,
    headers=("Location",),
    creates="/api/settings/jobs",
    errors=("JOB_RUNNING",),
)
def start_webhook_job(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Configure the webhooks of many endpoints

    Starts a job that does for each endpoint what `POST /api/settings/endpoints/{endpoint_id}/point` does: for
    up to 1,000 `ids`, or for all endpoints that match `filter`, which may be empty. A number that a known
    service answers is left alone unless `replace_known_services` is true.

    An organization has one such job at a time. Undo it with `POST /api/settings/jobs/{job_id}/undo`.
    """
    selection, replaces_services = targets.read(scope, payload)
    http, total = context.outbound(), work.count(scope, selection)

    def run(inside: Scope, job: Running) -> str:
        work.set_webhooks(inside, http, job, selection, replaces_services=replaces_services)
        return ""

    return start_job(scope, Kind.SET_WEBHOOKS, run, step=messages.PREPARING, total=total)
