"""Jobs that change the webhooks of many numbers: their selections and edits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func

from app.core import urls
from app.core.errors import Conflict
from app.models import Endpoint, Job, JobResult
from app.services import jobs
from app.services.endpoints import bulk
from app.services.endpoints.bulk import Selection
from app.services.jobs import API_KINDS, Kind, Running, State
from app.services.scope import Scope
from app.services.webhooks import many, messages
from app.services.webhooks.edits import Clear, Item, Restore, SetWebhook

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


def count(scope: Scope, selection: Selection) -> int:
    query = bulk.selected(scope, selection).with_only_columns(func.count())
    return scope.session.scalar(query) or 0


def set_webhooks(
    scope: Scope, http: Outbound, job: Running, selection: Selection, *, replaces_services: bool
) -> None:
    """Sets the webhooks of all selected endpoints. Raises Conflict as `many.run` does."""
    columns = (Endpoint.id, Endpoint.provider, Endpoint.phone_number)
    rows = scope.session.execute(bulk.selected(scope, selection).with_only_columns(*columns))
    items = [Item(row.id, row.provider, row.phone_number) for row in rows]
    many.run(scope, http, job, items, SetWebhook(scope, replaces_services=replaces_services))


def undoable(scope: Scope, job_id: str) -> tuple[Job, list[Item]]:
    """Returns the job, and its changes that can be restored.

    Raises NotFound, and Conflict while it runs. Also raises Conflict for a job that set no webhook.
    """
    job = jobs.get(scope, job_id, API_KINDS)
    if job.kind != Kind.SET_WEBHOOKS:
        raise Conflict(messages.NOT_UNDOABLE, code="CANNOT_UNDO")
    if jobs.state(job) is State.RUNNING:
        raise Conflict(messages.STILL_RUNNING, code="JOB_RUNNING")
    query = scope.select(JobResult).where(JobResult.job_id == job.id, JobResult.settings.is_not(None))
    rows = scope.session.scalars(query.order_by(JobResult.phone_number))
    items = [Item(row.endpoint_id, row.provider, row.phone_number, (row.url, row.settings)) for row in rows]
    if not items:
        raise Conflict(messages.NOTHING_TO_UNDO, code="CANNOT_UNDO")
    return job, items


def restore_webhooks(scope: Scope, http: Outbound, job: Running, undone_id: str) -> None:
    """Restores the settings that the job replaced. Raises the errors of `undoable` and `many.run`."""
    _, items = undoable(scope, undone_id)
    many.run(scope, http, job, items, Restore())


def clearable_items(scope: Scope, selection: Selection) -> list[Item]:
    """Returns the selected numbers that have a webhook, with its URL, to clear after deleting."""
    names = ("id", "provider", "phone_number", "inbound_agent_name")
    columns = [getattr(Endpoint, name) for name in names]
    rows = scope.session.execute(bulk.selected(scope, selection).with_only_columns(*columns))
    base = scope.organization.public_base_url
    pairs = [(row, urls.inbound_webhook_url(base, row.provider, row.inbound_agent_name)) for row in rows]
    return [Item(row.id, row.provider, row.phone_number, url) for row, url in pairs if url]


def clear_webhooks(scope: Scope, http: Outbound, job: Running, items: Sequence[Item]) -> None:
    """Clears the webhooks of deleted endpoints. Raises Conflict as `many.run` does."""
    many.run(scope, http, job, items, Clear())
