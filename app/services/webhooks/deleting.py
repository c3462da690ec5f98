"""Deletes endpoints, and clears their webhooks at the providers too if requested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core import etag
from app.core.errors import Conflict
from app.models import AuditEvent
from app.services.endpoints import crud
from app.services.endpoints.bulk import Selection
from app.services.scope import Scope
from app.services.webhooks import jobs, many, messages
from app.services.webhooks.edits import Clear, Result

if TYPE_CHECKING:
    from app.core.outbound.client import Outbound


@dataclass(frozen=True)
class Deleted:
    """The event of a deletion, and the result of clearing the webhook, if that was requested."""

    event: AuditEvent
    cleared: Result | None

    def expect_cleared(self) -> None:
        """Raises Conflict if the webhook was not cleared, or if that is unknown."""
        if self.cleared and not self.cleared.ok:
            raise Conflict(messages.deleted_not_cleared(self.cleared.reason), code="NOT_CLEARED")


def delete(
    scope: Scope,
    http: Outbound | None,
    endpoint_id: str,
    *,
    reason: str | None = None,
    version: int | etag.Condition = None,
) -> Deleted:
    """Deletes the endpoint, then clears its webhook with `http`. Raises the errors of `crud.delete`.

    The endpoint stays deleted even if clearing fails.
    """
    items = jobs.clearable_items(scope, Selection(ids=[endpoint_id])) if http else []
    event = crud.delete(scope, endpoint_id, reason=reason, version=version)
    if http is None or not items:
        return Deleted(event, None)
    event_id = event.id
    cleared = many.one(scope, http, items[0], Clear())
    return Deleted(scope.session.get_one(AuditEvent, event_id), cleared)
