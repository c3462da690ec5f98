"""Calls, as voice AI providers report them: received, stored once, listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from sqlalchemy import delete, select

from app.core import clock, strict_json
from app.core.errors import Conflict, Unauthenticated
from app.models import Call, Endpoint, Organization, WebhookReceipt
from app.provider import Capability, Provider, ReportsCalls
from app.provider.voice_ai import CallReport
from app.services import keyset
from app.services.connections import store
from app.services.keyset import Mark, Order, Page
from app.services.scope import Scope
from app.services.voice_ai import call_search, messages, selection
from app.services.voice_ai.call_search import EVERY_CALL, CallFilter
from app.services.voice_ai.webhook import SECRET

PAGE = 50
AT_A_TIME = 500
"""How many rows of an export are in memory."""
MOST_AGENTS = 200
"""How many agents the filter offers."""
NEWEST_FIRST = Order(Call.at, Call.id, descends=True)


def receive(scope: Scope, provider: Provider, organization_id: str, signature: str, body: bytes) -> str:
    """Stores the call of a report. Returns a sentence that states what was done.

    Raises Unauthenticated unless the report was signed recently with the organization's webhook secret;
    Conflict if the same message was received before. A second message about the same event changes nothing.
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
        _store_receipt(inside, reports, receipt)
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


def _store_receipt(scope: Scope, reports: ReportsCalls, receipt: str) -> None:
    """Stores the receipt of a message. Raises Conflict if it was received before.

    A receipt is retained until its signature is certainly too old to be accepted.
    """
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
        direction=report.direction and str(report.direction),
        started_at=report.started_at,
        received_at=now,
        at=min(report.started_at or now, now),
    )


def page(
    scope: Scope, filters: CallFilter = EVERY_CALL, *, before: str | None = None, limit: int = PAGE
) -> Page[Call]:
    """Returns calls, newest first, older than the call with the id `before`. Raises NotFound."""
    last = None if before is None else get(scope, before)
    mark = Mark(last.at, last.id) if last else None
    query = call_search.select(scope, filters)
    return keyset.page(scope.session, query, NEWEST_FIRST, mark, limit=limit, cursor=_id)


def get(scope: Scope, call_id: str) -> Call:
    return scope.get(Call, call_id, what="call")


def pages_of(scope: Scope, call: Call) -> list[tuple[str, str]]:
    """Returns label and address of the call's page at each connected provider that reports calls."""
    pages = []
    for provider in selection.having(Capability.CALL_REPORTS):
        page = selection.reports_of(provider).conversation_page
        connection = store.load(scope, provider)
        if page and (connection.is_configured or connection.opens(SECRET)):
            pages.append((provider.label, page.format(id=quote(call.conversation_id, safe=""))))
    return pages


def export(scope: Scope, filters: CallFilter) -> Iterator[Call]:
    """Yields every call that matches, newest first."""
    query = call_search.select(scope, filters).order_by(Call.at.desc(), Call.id.desc())
    yield from scope.session.scalars(query.execution_options(yield_per=AT_A_TIME))


def agents(scope: Scope) -> list[str]:
    """Returns the sorted names, or else ids, of agents that had calls."""
    query = select(call_search.agent).where(Call.organization_id == scope.organization.id).distinct()
    return sorted(filter(None, scope.session.scalars(query.limit(MOST_AGENTS))), key=str.casefold)


def _id(call: Call, _is_before: bool) -> str:
    return call.id


def endpoints_of(scope: Scope, rows: Iterable[Call]) -> dict[str, str]:
    """Returns the ids of the organization's endpoints, by their numbers as written in the calls."""
    written = {number for call in rows for number in (call.from_number, call.to_number) if number}
    full = {number: f"+{number.lstrip('+')}" for number in written}
    query = scope.select(Endpoint).where(Endpoint.phone_number.in_(full.values()))
    ids = {row.phone_number: row.id for row in scope.session.scalars(query)} if full else {}
    return {number: ids[full[number]] for number in written if full[number] in ids}
