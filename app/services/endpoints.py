"""Phone numbers mapped to agents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, false, func, or_, select
from sqlalchemy.exc import IntegrityError

from app.core import clock, phone, urls
from app.core.errors import Conflict, Invalid, Problem
from app.models import AuditEvent, DriftCheck, Endpoint, Organization
from app.provider import Family
from app.providers import in_family, keys_in
from app.services import validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.connections import store
from app.services.connections.store import State
from app.services.drift import queue, tallies
from app.services.fields import Agent, Label
from app.services.scope import Scope, expect_version
from app.services.validation import Checked

PAGE_MOST = 1000
COUNT_MOST = 10_000
CALLED_BY = {"inbound_agent_name", "is_active"}
"""What a number should call at its provider depends on these."""

STORED = ("provider", "inbound_agent_name", "outbound_agent_name", "label", "is_active")
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


@dataclass(frozen=True)
class Filter:
    """What a list shows: text in number, label or agent; exact values; and `drifted` ones alone, or
    those that are to be answered and are `blocked`."""

    text: str = ""
    provider: str | None = None
    is_active: bool | None = None
    agent: str | None = None
    drifted: bool = False
    blocked: bool = False


def document(base_url: str | None, row: Any) -> dict[str, Any]:
    """An endpoint as the contract has it."""
    return {
        "id": row.id,
        "phone_number": row.phone_number,
        "provider": row.provider,
        "inbound_agent_name": row.inbound_agent_name,
        "outbound_agent_name": row.outbound_agent_name,
        "label": row.label,
        "is_active": row.is_active,
        "created_at": clock.iso(row.created_at),
        "inbound_webhook_url": urls.inbound_webhook_url(base_url, row.provider, row.inbound_agent_name),
    }


def matching(scope: Scope, wanted: Filter) -> Select[Endpoint]:
    """The organization's endpoints that the filter shows, in no order."""
    query = scope.select(Endpoint)
    if "\0" in f"{wanted.text}{wanted.provider}{wanted.agent}":
        return query.where(false())
    if wanted.text:
        query = query.where(_matches(scope, wanted.text))
    if wanted.provider:
        query = query.where(Endpoint.provider == wanted.provider)
    if wanted.is_active is not None:
        query = query.where(Endpoint.is_active == wanted.is_active)
    if wanted.agent:
        query = query.where(
            or_(
                Endpoint.inbound_agent_name == wanted.agent,
                Endpoint.outbound_agent_name == wanted.agent,
            )
        )
    if wanted.drifted:
        query = query.where(*_is_drifted(scope))
    if wanted.blocked:
        query = query.where(is_blocked(scope, telephony_states(scope)))
    return query


def usable(states: Mapping[str, State]) -> list[str]:
    """The keys of the providers whose numbers can be answered."""
    return [key for key in keys_in(Family.TELEPHONY) if states[key].is_configured and states[key].enabled]


def is_to_be_answered(scope: Scope) -> ColumnElement[bool]:
    return (
        (Endpoint.organization_id == scope.organization.id)
        & Endpoint.is_active
        & Endpoint.inbound_agent_name.is_not(None)
    )


def is_blocked(scope: Scope, states: Mapping[str, State]) -> ColumnElement[bool]:
    """Whether it is to be answered, and has a `blocked_reason` all the same."""
    wanted = is_to_be_answered(scope)
    return wanted & Endpoint.provider.not_in(usable(states)) if scope.organization.public_base_url else wanted


def _is_drifted(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    """The first condition has them looked up by number; the second is theirs at their own provider."""
    drifted = tallies.drifted(scope)
    own = drifted.where(
        DriftCheck.provider == Endpoint.provider, DriftCheck.phone_number == Endpoint.phone_number
    )
    numbers = drifted.with_only_columns(DriftCheck.phone_number)
    return Endpoint.phone_number.in_(numbers), own.correlate(Endpoint).exists()


def _matches(scope: Scope, text: str) -> ColumnElement[bool]:
    """The text in label or agents; its digits in the number, in whatever spelling."""
    found = [
        scope.contains(column, text)
        for column in (Endpoint.label, Endpoint.inbound_agent_name, Endpoint.outbound_agent_name)
    ]
    digits = re.sub(r"[\s().\-+/]", "", text)
    if digits.isascii() and digits.isdigit():
        found.append(Endpoint.phone_number.contains(digits))
        with suppress(ValueError):
            found.append(Endpoint.phone_number == phone.normalize(text, scope.organization.country))
    return or_(*found)


def count(scope: Scope, wanted: Filter) -> int:
    """How many there are, counted to one more than `COUNT_MOST` and no further."""
    along_index = matching(scope, wanted).order_by(Endpoint.phone_number)
    some = along_index.with_only_columns(Endpoint.phone_number).limit(COUNT_MOST + 1).subquery()
    return scope.session.scalar(select(func.count()).select_from(some)) or 0


def stream(scope: Scope, wanted: Filter) -> Iterator[dict[str, Any]]:
    """Every endpoint by number, as documents, a few at a time: memory does not grow with the rows."""
    base = scope.organization.public_base_url
    query = matching(scope, wanted).order_by(Endpoint.phone_number)
    columns = query.with_only_columns(*Endpoint.__table__.columns).execution_options(yield_per=500)
    for row in scope.session.execute(columns):
        yield document(base, row)


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
    """Inside a transaction only. `told` is for the audit, beside the drafts.

    IntegrityError where a number is taken.
    """
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
        if told.keys() & CALLED_BY:
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
        told = {name: [getattr(row, name), None] for name in STORED if getattr(row, name) is not None}
        return log.record(scope, Action.ENDPOINT_DELETED, row.phone_number, told | log.reasoned(reason))


def agents(scope: Scope, *, limit: int = 200) -> list[str]:
    """Names in use, for suggestions."""
    names: set[str] = set()
    for column in (Endpoint.inbound_agent_name, Endpoint.outbound_agent_name):
        query = select(column).where(Endpoint.organization_id == scope.organization.id, column.is_not(None))
        names |= {name for name in scope.session.scalars(query.distinct().limit(limit)) if name}
    return sorted(names)[:limit]


def resolve(scope: Scope, number: str, direction: str) -> dict[str, Any]:
    """Which agent answers or dials, on which provider, with which URL; and if nobody, why."""
    if direction not in ("inbound", "outbound"):
        raise Invalid([Problem("direction", "Use inbound or outbound.")])
    normal = read_number(scope, number)
    row = by_number(scope, normal)
    answer = {
        "phone_number": normal,
        "direction": direction,
        "endpoint_id": row.id if row else None,
        "provider": row.provider if row else None,
        "agent_name": getattr(row, f"{direction}_agent_name", None),
        "inbound_webhook_url": None,
    }
    if row and direction == "inbound":
        answer["inbound_webhook_url"] = urls.inbound_webhook_url(
            scope.organization.public_base_url, row.provider, row.inbound_agent_name
        )
    states = telephony_states(scope)
    reason = blocked_reason(scope.organization, states, row, direction)
    return answer | {"ready": reason is None, "blocked_reason": reason}


def read_number(scope: Scope, text: str) -> str:
    """A number in any spelling, in E.164. Raises Invalid for `phone_number`."""
    try:
        return phone.normalize(_plus(text), scope.organization.country)
    except ValueError as error:
        raise Invalid([Problem("phone_number", str(error))]) from None


def by_number(scope: Scope, number: str) -> Endpoint | None:
    return scope.session.scalar(scope.select(Endpoint).where(Endpoint.phone_number == number))


def telephony_states(scope: Scope) -> dict[str, State]:
    """The connections that endpoints use, by provider key."""
    return store.load_all(scope, in_family(Family.TELEPHONY))


def _plus(number: str) -> str:
    """An unescaped `+` in a query arrives as a space."""
    return "+" + number[1:] if re.fullmatch(r" \d+", number) else number


def blocked_reason(
    organization: Organization, states: Mapping[str, State], row: Endpoint | None, direction: str
) -> str | None:
    """The first thing that keeps a call from being answered or dialled; None where nothing does."""
    if row is None:
        return "unknown_number"
    if not row.is_active:
        return "endpoint_inactive"
    if getattr(row, f"{direction}_agent_name") is None:
        return f"no_{direction}_agent"
    if not organization.public_base_url:
        return "no_public_base_url"
    if row.provider not in states:
        return "provider_unknown"
    if not states[row.provider].is_configured:
        return "provider_not_configured"
    return None if states[row.provider].enabled else "provider_disabled"
