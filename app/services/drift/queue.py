"""The numbers whose check is pending, as rows; results are saved to the same rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    func,
    literal,
    or_,
    select,
    true,
    union,
)

from app.core import clock
from app.models import Connection, DriftCheck, Endpoint, VoicePhoneNumber
from app.services import sql
from app.services.connections import number_health
from app.services.drift import verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.scope import Scope


def save_results(scope: Scope, provider: str, results: Mapping[str, ProbeResult]) -> None:
    """Stores results by number, compared with what is expected by now.

    If the provider could not be reached, the earlier result stays and the number stays pending. If there was
    nothing to read it with, the connection's own verdict says so. The row of a number that the organization
    no longer has is deleted.
    """
    scope.require_transaction()
    verdicts.resolve_changes(scope, provider, results)
    expected_urls = _expected(scope, provider, results)
    _delete(scope, provider, results.keys() - expected_urls.keys())
    _make_rows(scope, provider, expected_urls)
    now = clock.now()
    for row in scope.session.scalars(_rows(scope, provider, expected_urls).with_for_update()):
        result, expected = results[row.phone_number], expected_urls[row.phone_number]
        in_sync, reason = verdicts.compare(result, expected)
        if reason in verdicts.UNANSWERED:
            continue
        row.due = False
        if reason in verdicts.UNREAD:
            continue
        row.in_sync, row.reason = in_sync, reason and str(reason)
        row.expected, row.actual = expected, verdicts.address(result.number)
        row.checked_at = now
    number_health.changed(scope, expected_urls)


def _rows(scope: Scope, provider: str, numbers: Collection[str]) -> Select[DriftCheck]:
    return scope.select(DriftCheck).where(
        DriftCheck.provider == provider, DriftCheck.phone_number.in_(numbers)
    )


def _expected(scope: Scope, provider: str, numbers: Collection[str]) -> dict[str, str | None]:
    """The URL that each of the numbers which are still there should call."""
    base = scope.organization.public_base_url
    own = select(Endpoint).where(
        Endpoint.organization_id == scope.organization.id,
        Endpoint.provider == provider,
        Endpoint.phone_number.in_(numbers),
    )
    columns = own.with_only_columns(
        Endpoint.phone_number, Endpoint.provider, Endpoint.inbound_agent_name, Endpoint.is_active
    )
    found = {row.phone_number: verdicts.expected_url(base, row) for row in scope.session.execute(columns)}
    given = _called_back(scope).where(
        VoicePhoneNumber.provider == provider, VoicePhoneNumber.phone_number.in_(numbers)
    )
    for _, number, callback_url in scope.session.execute(given):
        found.setdefault(number, callback_url)
    return found


def _called_back(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Provider, number and callback URL of each voice number, if Patchbay set the URL.

    A number that an agent answers is on a SIP trunk, where its provider's application does not have it.
    """
    return (
        select(VoicePhoneNumber.provider, VoicePhoneNumber.phone_number, Connection.callback_url)
        .join(
            Connection,
            (Connection.organization_id == VoicePhoneNumber.organization_id)
            & (Connection.provider == VoicePhoneNumber.provider),
        )
        .where(
            VoicePhoneNumber.organization_id == scope.organization.id,
            Connection.callback_url.is_not(None),
            ~VoicePhoneNumber.ai_enabled,
        )
        .distinct()
    )


def _answered(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Provider and number of each endpoint that takes calls."""
    return select(Endpoint.provider, Endpoint.phone_number).where(
        Endpoint.organization_id == scope.organization.id, Endpoint.takes_calls
    )


def mark_due(
    scope: Scope,
    numbers: Collection[str] | None = None,
    *,
    provider: str | None = None,
    changed: bool = True,
) -> None:
    """Queues a check of `numbers` (all if None), of one provider or of all, for after the transaction.

    `changed=True` also discards the last result, because the expected URL is different now.
    """
    scope.require_transaction()
    mine = (DriftCheck.organization_id == scope.organization.id) & (
        true() if numbers is None else number_health.among(scope, numbers)
    )
    if provider is not None:
        mine &= DriftCheck.provider == provider
    number_health.delete_checks(scope, mine & ~_is_target(scope))
    number_health.changed(scope, numbers)
    targets = _targets(scope, numbers)
    rows = select(
        literal(scope.organization.id), targets.c.provider, targets.c.phone_number, literal(True)
    ).where(true() if provider is None else targets.c.provider == provider)
    names = ["organization_id", "provider", "phone_number", "due"]
    new = {"due": True} | ({"in_sync": None, "reason": None} if changed else {})
    upsert = sql.upsert(scope, DriftCheck, new).from_select(names, rows, include_defaults=False)
    if sql.run(scope, upsert):
        scope.on_commit(scope.queue_drift_check, scope.organization.id)


def _is_target(scope: Scope) -> ColumnElement[bool]:
    """Whether the number of a check still exists. `EXISTS` uses an index for each row."""
    answered = _answered(scope).where(
        Endpoint.provider == DriftCheck.provider, Endpoint.phone_number == DriftCheck.phone_number
    )
    called_back = _called_back(scope).where(
        VoicePhoneNumber.provider == DriftCheck.provider,
        VoicePhoneNumber.phone_number == DriftCheck.phone_number,
    )
    return or_(answered.correlate(DriftCheck).exists(), called_back.correlate(DriftCheck).exists())


def _targets(scope: Scope, numbers: Collection[str] | None) -> Subquery:
    """Provider and number of each that is checked, among `numbers` (all if None)."""
    answered = _answered(scope)
    called_back = _called_back(scope).with_only_columns(
        VoicePhoneNumber.provider, VoicePhoneNumber.phone_number
    )
    if numbers is not None:
        answered = answered.where(sql.in_list(scope, Endpoint.phone_number, numbers))
        called_back = called_back.where(sql.in_list(scope, VoicePhoneNumber.phone_number, numbers))
    return union(answered, called_back).subquery()


def _delete(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    own = (DriftCheck.organization_id == scope.organization.id) & (DriftCheck.provider == provider)
    if numbers:
        number_health.delete_checks(scope, own & DriftCheck.phone_number.in_(numbers))


def _make_rows(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    """Does nothing for rows that another process inserted meanwhile."""
    own = {"organization_id": scope.organization.id, "provider": provider, "due": False}
    rows = [own | {"phone_number": number} for number in numbers]
    if rows:
        sql.run(scope, sql.upsert(scope, DriftCheck).values(rows))


def due(scope: Scope, provider: str, *, after: str = "", limit: int) -> list[str]:
    """One provider's numbers whose check is pending, in order, after the number `after`."""
    query = (
        select(DriftCheck.phone_number)
        .where(
            DriftCheck.organization_id == scope.organization.id,
            DriftCheck.provider == provider,
            DriftCheck.due,
            DriftCheck.phone_number > after,
        )
        .order_by(DriftCheck.phone_number)
        .limit(limit)
    )
    return list(scope.session.scalars(query))


def due_counts(scope: Scope) -> dict[str, int]:
    """How many checks are pending, by provider."""
    query = (
        select(DriftCheck.provider, func.count().label("numbers"))
        .where(DriftCheck.organization_id == scope.organization.id, DriftCheck.due)
        .group_by(DriftCheck.provider)
    )
    return {row.provider: row.numbers for row in scope.session.execute(query)}


def providers(scope: Scope) -> set[str]:
    """The keys of the providers with numbers that are checked."""
    query = select(DriftCheck.provider).where(DriftCheck.organization_id == scope.organization.id)
    return set(scope.session.scalars(query.distinct()))
