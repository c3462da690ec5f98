"""Calls, as voice AI providers report them: received, stored once, listed."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, or_

from app.core import clock, strict_json
from app.core.errors import Conflict, Unauthenticated
from app.models import Call, Endpoint, Organization, WebhookReceipt
from app.provider import Provider, ReportsCalls
from app.provider.voice_ai import CallReport
from app.services import keyset
from app.services.connections import store
from app.services.keyset import Mark, Order, Page
from app.services.scope import Scope
from app.services.voice_ai import messages, selection
from app.services.voice_ai.webhook import SECRET

PAGE = 50
NEWEST_FIRST = Order(Call.at, Call.id, descends=True)
_SEPARATORS = re.compile(r"[\s().\-/]")


def receive(scope: Scope, provider: Provider, organization_id: str, signature: str, body: bytes) -> str:
    """Stores the call that a report is about; returns a sentence that says what was done.

    Raises Unauthenticated unless the organization's webhook secret signed the report recently; Conflict if
    this very message was received before. A second message about the same event changes nothing.
    """
    reports = selection.reports_of(provider)
    organization = scope.session.get(Organization, organization_id)
    secret = _secret(scope, provider, organization)
    receipt = reports.receipt(secret or "", signature, body, clock.seconds(clock.now()))
    if organization is None or secret is None or receipt is None:
        raise Unauthenticated(messages.SIGNATURE_INVALID, code="INVALID_SIGNATURE")
    report = reports.read_report(strict_json.parse_proved(body))
    inside = scope.for_organization(organization)
    with inside.transaction():
        _note_receipt(inside, reports, receipt)
        if report is None:
            return messages.EVENT_IGNORED
        if _is_known(inside, report):
            return messages.EVENT_KNOWN
        inside.session.add(_call(organization, report))
    return messages.EVENT_SAVED


def _secret(scope: Scope, provider: Provider, organization: Organization | None) -> str | None:
    if organization is None:
        return None
    stored = store.load(scope.for_organization(organization), provider).secrets.get(SECRET)
    return stored.value if stored else None


def _note_receipt(scope: Scope, reports: ReportsCalls, receipt: str) -> None:
    """Raises Conflict for a repetition. A receipt is kept until its signature is certainly too old."""
    now = clock.now()
    own = WebhookReceipt.organization_id == scope.organization.id
    is_old = WebhookReceipt.received_at < now - 2 * reports.signature_window
    scope.session.execute(delete(WebhookReceipt).where(own, is_old))
    if scope.session.get(WebhookReceipt, (scope.organization.id, receipt)) is not None:
        raise Conflict(messages.REPLAYED, code="REPLAYED")
    scope.session.add(WebhookReceipt(organization_id=scope.organization.id, digest=receipt, received_at=now))


def _is_known(scope: Scope, report: CallReport) -> bool:
    same = scope.select(Call).where(
        Call.conversation_id == report.conversation_id, Call.kind == str(report.event)
    )
    return scope.session.scalar(same) is not None


def _call(organization: Organization, report: CallReport) -> Call:
    now = clock.now()
    return Call(
        organization_id=organization.id,
        conversation_id=report.conversation_id,
        kind=str(report.event),
        agent_id=report.agent_id,
        agent_name=report.agent_name,
        from_number=report.from_number,
        to_number=report.to_number,
        duration_seconds=report.duration_seconds,
        outcome=report.outcome,
        started_at=report.started_at,
        received_at=now,
        at=min(report.started_at or now, now),
    )


def page(scope: Scope, text: str = "", *, before: str | None = None, limit: int = PAGE) -> Page[Call]:
    """Returns calls, newest first, from before the call with the id `before`.

    `text` is in the agent, a number or the conversation. Raises NotFound.
    """
    query = scope.select(Call)
    if text:
        query = query.where(_matches(scope, text))
    last = None if before is None else scope.get(Call, before, what="call")
    mark = Mark(last.at, last.id) if last else None
    return keyset.page(scope.session, query, NEWEST_FIRST, mark, limit=limit, cursor=_id)


def _id(call: Call, _is_before: bool) -> str:
    return call.id


def endpoints_of(scope: Scope, rows: Iterable[Call]) -> dict[str, str]:
    """The ids of the organization's endpoints, by each number as the calls have it written."""
    written = {number for call in rows for number in (call.from_number, call.to_number) if number}
    full = {number: f"+{number.lstrip('+')}" for number in written}
    query = scope.select(Endpoint).where(Endpoint.phone_number.in_(full.values()))
    ids = {row.phone_number: row.id for row in scope.session.scalars(query)} if full else {}
    return {number: ids[full[number]] for number in written if full[number] in ids}


def _matches(scope: Scope, text: str) -> ColumnElement[bool]:
    """The text is in the agent or the conversation's id, or its digits are in a number."""
    named = (Call.agent_name, Call.agent_id, Call.conversation_id)
    conditions = [scope.contains(column, text) for column in named]
    digits = _SEPARATORS.sub("", text).lstrip("+")
    if digits.isascii() and digits.isdigit():
        conditions += [column.contains(digits) for column in (Call.from_number, Call.to_number)]
    return or_(*conditions)
