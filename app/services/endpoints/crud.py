"""Creating, changing and deleting one endpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.core import etag
from app.core.errors import Conflict
from app.models import AuditEvent, Endpoint
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.drift import queue
from app.services.endpoints import listing, messages, proven
from app.services.endpoints.fields import (
    PROVEN_AT,
    RESTORABLE_FIELDS,
    WEBHOOK_FIELDS,
    EndpointDraft,
    EndpointEdit,
)
from app.services.scope import Scope, expect_version


@dataclass(frozen=True)
class Saved:
    """An endpoint after a change, and the id of its event; None if nothing changed.

    `proven` maps its id to when its number was proven, if it is.
    """

    row: Endpoint
    event_id: int | None
    proven: Mapping[str, datetime]


def get(scope: Scope, endpoint_id: str) -> Endpoint:
    return scope.get(Endpoint, endpoint_id, what="endpoint")


def create(scope: Scope, payload: Any) -> Endpoint:
    """Creates an endpoint. Raises Conflict if its number has one, here or in another organization."""
    values = validation.read(EndpointDraft, payload, country=scope.organization.country).model_dump()
    try:
        with scope.transaction():
            (row,) = add(scope, [values])
    except IntegrityError:
        raise in_use(scope, values["phone_number"]) from None
    return row


def in_use(scope: Scope, number: str) -> Conflict:
    """Returns the error for a number in use, with the id of the organization's own endpoint."""
    own = scope.select(Endpoint).where(Endpoint.phone_number == number).with_only_columns(Endpoint.id)
    return Conflict(messages.in_use(number), code="NUMBER_IN_USE", existing_id=scope.session.scalar(own))


def add(
    scope: Scope, drafts: Sequence[Mapping[str, Any]], about: Mapping[str, list[Any]] | None = None
) -> list[Endpoint]:
    """Adds an endpoint for each draft; their events contain `about`.

    Raises IntegrityError if a number is in use.
    """
    scope.require_transaction()
    rows = [Endpoint(organization_id=scope.organization.id, **values) for values in drafts]
    scope.session.add_all(rows)
    scope.session.flush()
    for values in drafts:
        changes = log.diff({}, values) | dict(about or {})
        log.record(scope, Action.ENDPOINT_CREATED, values["phone_number"], changes)
    queue.mark_due(scope, [values["phone_number"] for values in drafts])
    return rows


def update(scope: Scope, endpoint_id: str, payload: Any, *, version: int | etag.Condition = None) -> Endpoint:
    """Saves as `save` does, and returns the endpoint alone."""
    return save(scope, endpoint_id, payload, version=version).row


def save(scope: Scope, endpoint_id: str, payload: Any, *, version: int | etag.Condition = None) -> Saved:
    """Changes the submitted fields; null clears one. Raises Stale, Invalid, NotFound."""
    event = None
    draft, fixed = validation.read_edit(EndpointEdit, payload, country=scope.organization.country)
    changes = draft.model_dump(exclude_unset=True)
    with scope.transaction():
        row = get(scope, endpoint_id)
        expect_version(row, version)
        fixed.pop(PROVEN_AT, None)
        current = listing.document(scope.organization.public_base_url, row)
        validation.expect_unchanged(EndpointEdit, fixed, current)
        differs = log.diff({name: getattr(row, name) for name in changes}, changes)
        for name, value in changes.items():
            setattr(row, name, value)
        scope.session.flush()
        if differs:
            event = log.record(scope, Action.ENDPOINT_SAVED, row.phone_number, differs)
        if differs.keys() & WEBHOOK_FIELDS:
            queue.mark_due(scope, [row.phone_number])
        times = proven.times_at_commit(scope, [row])
    return Saved(row, event.id if event else None, times)


def delete(
    scope: Scope, endpoint_id: str, *, reason: str | None = None, version: int | etag.Condition = None
) -> AuditEvent:
    """Deletes the endpoint. Its event records all values, so that undo can restore it."""
    with scope.transaction():
        row = get(scope, endpoint_id)
        expect_version(row, version)
        scope.session.delete(row)
        scope.session.flush()
        queue.mark_due(scope, [row.phone_number])
        values = {
            name: [getattr(row, name), None] for name in RESTORABLE_FIELDS if getattr(row, name) is not None
        }
        return log.record(scope, Action.ENDPOINT_DELETED, row.phone_number, values | log.reasoned(reason))
