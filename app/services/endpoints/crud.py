"""Phone numbers mapped to agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from app.core import phone
from app.core.errors import Conflict
from app.models import AuditEvent, Endpoint
from app.provider import Family
from app.providers import keys_in
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.drift import queue
from app.services.fields import Agent, Label
from app.services.scope import Scope, expect_version
from app.services.validation import Checked

WEBHOOK_FIELDS = {"inbound_agent_name", "is_active"}
"""What a number should call at its provider depends on these."""

RESTORABLE_FIELDS = ("provider", "inbound_agent_name", "outbound_agent_name", "label", "is_active")
"""What an endpoint is, beside its number: enough to put it back."""


class EndpointEdit(BaseModel):
    """What may be changed afterwards."""

    model_config = validation.STRICT
    fixed: ClassVar[dict[str, str]] = dict.fromkeys(
        ("phone_number", "provider"), "This cannot be changed. Delete the endpoint and create another one."
    ) | dict.fromkeys(("id", "created_at", "inbound_webhook_url"), "This is computed; leave it out.")

    inbound_agent_name: Agent | None = None
    outbound_agent_name: Agent | None = None
    label: Label | None = None
    is_active: bool = True


class NewEndpoint(EndpointEdit):
    """What is said of a new endpoint beside its number."""

    fixed: ClassVar[dict[str, str]] = dict.fromkeys(
        ("id", "created_at", "inbound_webhook_url"), "This is computed; leave it out."
    )

    provider: Annotated[str, validation.one_of(keys_in(Family.TELEPHONY))]


class EndpointDraft(NewEndpoint):
    """A new endpoint."""

    phone_number: Annotated[str, Checked(phone.normalize)]


def get(scope: Scope, endpoint_id: str) -> Endpoint:
    return scope.get(Endpoint, endpoint_id, what="endpoint")


def create(scope: Scope, sent: Any) -> Endpoint:
    """Claims the number. Conflict where it is taken, here or in another organization."""
    draft = validation.read(EndpointDraft, sent, country=scope.organization.country)
    try:
        with scope.transaction():
            (row,) = add(scope, [draft])
    except IntegrityError:
        message = f"{draft.phone_number} already has an endpoint. A number can have one only."
        raise Conflict(message, code="NUMBER_IN_USE") from None
    return row


def add(
    scope: Scope, drafts: Sequence[EndpointDraft], told: Mapping[str, list[Any]] | None = None
) -> list[Endpoint]:
    """`told` is for the audit, beside the drafts.

    IntegrityError where a number is taken.
    """
    scope.require_transaction()
    rows = [Endpoint(organization_id=scope.organization.id, **draft.model_dump()) for draft in drafts]
    scope.session.add_all(rows)
    scope.session.flush()
    for draft in drafts:
        changes = log.diff({}, draft.model_dump()) | dict(told or {})
        log.record(scope, Action.ENDPOINT_CREATED, draft.phone_number, changes)
    queue.mark_due(scope, [draft.phone_number for draft in drafts])
    return rows


def update(scope: Scope, endpoint_id: str, sent: Any, *, version: int | None = None) -> Endpoint:
    """Absent keeps, null clears, a value replaces."""
    draft = validation.read(EndpointEdit, sent, country=scope.organization.country)
    changes = draft.model_dump(exclude_unset=True)
    with scope.transaction():
        row = get(scope, endpoint_id)
        expect_version(row, version)
        told = log.diff({name: getattr(row, name) for name in changes}, changes)
        for name, value in changes.items():
            setattr(row, name, value)
        scope.session.flush()
        if told:
            log.record(scope, Action.ENDPOINT_SAVED, row.phone_number, told)
        if told.keys() & WEBHOOK_FIELDS:
            queue.mark_due(scope, [row.phone_number])
    return row


def delete(
    scope: Scope, endpoint_id: str, *, reason: str | None = None, version: int | None = None
) -> AuditEvent:
    """The event has all of it, so that it can be put back."""
    with scope.transaction():
        row = get(scope, endpoint_id)
        expect_version(row, version)
        scope.session.delete(row)
        scope.session.flush()
        queue.mark_due(scope, [row.phone_number])
        told = {
            name: [getattr(row, name), None] for name in RESTORABLE_FIELDS if getattr(row, name) is not None
        }
        return log.record(scope, Action.ENDPOINT_DELETED, row.phone_number, told | log.reasoned(reason))
