"""The queue of checks: a row for each number, with whether its check is pending and the last result."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Subquery,
    func,
    literal,
    or_,
    select,
    true,
    union,
    update,
)

from app.core import clock
from app.models import Connection, DriftCheck, Endpoint, VoicePhoneNumber
from app.provider.numbers import Reason
from app.providers import PROVIDERS, trunks
from app.services import sql
from app.services.connections import check_days, number_health
from app.services.drift import hooks, verdicts
from app.services.drift.verdicts import ProbeResult
from app.services.scope import Scope

PLACE_KEPT = timedelta(days=1)
"""The longest time for which the place of a number is reused."""

MISPLACED = [str(reason) for reason in (Reason.OTHER_REGION, Reason.REGION_UNKNOWN, Reason.NUMBER_GONE)]
"""Reasons that make the stored place of a number wrong."""


def save_results(scope: Scope, provider: str, results: Mapping[str, ProbeResult]) -> None:
    """Stores results by number, compared with the URLs expected now.

    If the provider could not be reached, the earlier result stays and the number stays pending. If the
    credentials are missing or refused, the earlier result stays: the connection's verdict covers it. The
    row of a number that the organization no longer has is deleted.
    """
    scope.require_transaction()
    verdicts.resolve_changes(scope, provider, results)
    for listener in hooks.listeners:
        listener(scope, provider, results)
    expected_by_number = expected_urls(scope, provider, results)
    _delete(scope, provider, results.keys() - expected_by_number.keys())
    _make_rows(scope, provider, expected_by_number)
    now, label = clock.now(), PROVIDERS[provider].label
    checked: list[str] = []
    for row in scope.session.scalars(_rows(scope, provider, expected_by_number).with_for_update()):
        result, expected = results[row.phone_number], expected_by_number[row.phone_number]
        in_sync, reason = verdicts.compare(result, expected)
        if reason in verdicts.UNANSWERED:
            continue
        row.due = False
        if reason is not Reason.PROVIDER_NOT_CONFIGURED:
            checked.append(row.phone_number)
        if reason in verdicts.UNREAD:
            continue
        row.in_sync, row.reason = in_sync, reason and str(reason)
        if in_sync is not None:
            row.in_sync_since = _in_sync_since(row, expected, now) if in_sync else None
        row.expected, row.actual = expected, verdicts.address(result.number)
        row.detail = verdicts.observation(label, result, expected).message
        row.checked_at = now
        if result.number and result.number.place:
            row.place, row.placed_at = result.number.place, now
    number_health.changed(scope, expected_by_number)
    check_days.count_numbers(scope, provider, checked)


def _in_sync_since(row: DriftCheck, expected: str | None, now: datetime) -> datetime:
    """Returns the time since which the number has been in sync without a known interruption."""
    return row.in_sync_since if row.in_sync_since and row.expected == expected else now


def places(scope: Scope, provider: str) -> dict[str, str]:
    """Returns the place (such as the region) that answers each number, as read within a day.

    Numbers whose place turned out wrong are left out. Lifetimes are spread over half a day, so that numbers
    read together are not all read again in one run.
    """
    row, now = DriftCheck, clock.now()
    query = (
        select(row.phone_number, row.place, row.placed_at)
        .where(row.organization_id == scope.organization.id, row.provider == provider)
        .where(row.placed_at > now - PLACE_KEPT, or_(row.reason.is_(None), row.reason.not_in(MISPLACED)))
    )
    rows = scope.session.execute(query)
    return {
        entry.phone_number: entry.place for entry in rows if entry.placed_at > now - _place_lifetime(entry)
    }


def _place_lifetime(check: Any) -> timedelta:
    return PLACE_KEPT * (0.5 + zlib.crc32(check.phone_number.encode()) / 2**33)


def _rows(scope: Scope, provider: str, numbers: Collection[str]) -> Select[DriftCheck]:
    return scope.select(DriftCheck).where(
        DriftCheck.provider == provider, DriftCheck.phone_number.in_(numbers)
    )


def expected_urls(scope: Scope, provider: str, numbers: Collection[str]) -> dict[str, str | None]:
    """Returns the URL that each number should call, for those of the numbers that still exist."""
    base = scope.organization.public_base_url
    own = select(Endpoint).where(
        Endpoint.organization_id == scope.organization.id,
        Endpoint.provider == provider,
        Endpoint.phone_number.in_(numbers),
    )
    columns = own.with_only_columns(
        Endpoint.phone_number, Endpoint.provider, Endpoint.inbound_agent_name, Endpoint.is_active
    )
    urls = {row.phone_number: verdicts.expected_url(base, row) for row in scope.session.execute(columns)}
    callbacks = _numbers_with_callback(scope).where(
        VoicePhoneNumber.provider == provider, VoicePhoneNumber.phone_number.in_(numbers)
    )
    for _, number, callback_url in scope.session.execute(callbacks):
        urls.setdefault(number, callback_url)
    return urls


@dataclass(frozen=True)
class TrunkVerdict:
    """The verdict on a number that is not compared with a URL, as `DriftCheck` stores it."""

    in_sync: bool | None
    reason: Reason | None
    detail: str


def save_judged(scope: Scope, provider: str, judged_by_number: Mapping[str, TrunkVerdict]) -> None:
    """Stores verdicts on numbers that an agent answers through the SIP trunk `provider`."""
    scope.require_transaction()
    _make_rows(scope, provider, judged_by_number)
    for row in scope.session.scalars(_rows(scope, provider, judged_by_number).with_for_update()):
        verdict = judged_by_number[row.phone_number]
        row.due, row.checked_at = False, clock.now()
        row.in_sync, row.reason, row.detail = verdict.in_sync, verdict.reason, verdict.detail
    number_health.changed(scope, judged_by_number)


def end_checks(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    """Ends the pending checks of numbers that cannot be read; the connection's verdict shows why."""
    own = (DriftCheck.organization_id == scope.organization.id, DriftCheck.provider == provider)
    is_one = sql.in_list(scope, DriftCheck.phone_number, numbers)
    with scope.transaction():
        sql.run(scope, update(DriftCheck).where(*own, is_one).values(due=False))


def _numbers_with_callback(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Selects provider, number and callback URL of each user's number whose URL Patchbay has set.

    Numbers that an agent answers are left out: they are on a SIP trunk, not in the provider's application.
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


def _endpoints_taking_calls(scope: Scope) -> Select[*tuple[Any, ...]]:
    """Selects provider and number of each endpoint that takes calls."""
    return select(Endpoint.provider, Endpoint.phone_number).where(
        Endpoint.organization_id == scope.organization.id, Endpoint.takes_calls
    )


def _agent_numbers(scope: Scope, carrier: str, trunk: str) -> Select[*tuple[Any, ...]]:
    """Selects the trunk's key and each number of the carrier that an agent answers through it."""
    return select(literal(trunk, String(32)).label("provider"), VoicePhoneNumber.phone_number).where(
        VoicePhoneNumber.organization_id == scope.organization.id,
        VoicePhoneNumber.provider == carrier,
        VoicePhoneNumber.ai_enabled,
    )


def mark_due(
    scope: Scope,
    numbers: Collection[str] | None = None,
    *,
    provider: str | None = None,
    changed: bool = True,
    by_run: bool = False,
) -> None:
    """Queues a check of `numbers` (None: all), of one provider or of all. It starts after the commit.

    `changed=True` also discards the last result, because the expected URL is different now. `by_run=True`:
    the running check includes them, so no other one is started.
    """
    scope.require_transaction()
    if number_health.has_checks(scope):
        _delete_gone(scope, numbers, provider)
    number_health.changed(scope, numbers)
    targets = _targets(scope, numbers)
    rows = select(
        literal(scope.organization.id), targets.c.provider, targets.c.phone_number, literal(True)
    ).where(true() if provider is None else targets.c.provider == provider)
    names = ["organization_id", "provider", "phone_number", "due"]
    new = {"due": True} | ({"in_sync": None, "reason": None, "detail": None} if changed else {})
    upsert = sql.upsert(scope, DriftCheck, new).from_select(names, rows, include_defaults=False)
    if sql.run(scope, upsert) and not by_run:
        scope.on_commit(scope.queue_drift_check, scope.organization.id)


def _delete_gone(scope: Scope, numbers: Collection[str] | None, provider: str | None) -> None:
    """Deletes the checks of numbers that no longer exist."""
    own = (DriftCheck.organization_id == scope.organization.id) & (
        true() if numbers is None else number_health.among(scope, numbers)
    )
    if provider is not None:
        own &= DriftCheck.provider == provider
    number_health.delete_checks(scope, own & ~_is_target(scope))


def _is_target(scope: Scope) -> ColumnElement[bool]:
    """Returns the condition that the number of a check still exists.

    `EXISTS` uses an index for each row.
    """
    answered = _endpoints_taking_calls(scope).where(
        Endpoint.provider == DriftCheck.provider, Endpoint.phone_number == DriftCheck.phone_number
    )
    called_back = _numbers_with_callback(scope).where(
        VoicePhoneNumber.provider == DriftCheck.provider,
        VoicePhoneNumber.phone_number == DriftCheck.phone_number,
    )
    targets = [answered, called_back]
    for carrier, trunk in trunks().items():
        is_same = VoicePhoneNumber.phone_number == DriftCheck.phone_number
        targets.append(
            _agent_numbers(scope, carrier, trunk.key).where(DriftCheck.provider == trunk.key, is_same)
        )
    return or_(*(one.correlate(DriftCheck).exists() for one in targets))


def _targets(scope: Scope, numbers: Collection[str] | None) -> Subquery:
    """Selects provider and number of each number that is checked, among `numbers` (None: all)."""
    answered = _endpoints_taking_calls(scope)
    called_back = _numbers_with_callback(scope).with_only_columns(
        VoicePhoneNumber.provider, VoicePhoneNumber.phone_number
    )
    by_agents = [_agent_numbers(scope, carrier, trunk.key) for carrier, trunk in trunks().items()]
    if numbers is not None:
        is_one = sql.in_list(scope, VoicePhoneNumber.phone_number, numbers)
        answered = answered.where(sql.in_list(scope, Endpoint.phone_number, numbers))
        called_back, by_agents = called_back.where(is_one), [one.where(is_one) for one in by_agents]
    return union(answered, called_back, *by_agents).subquery()


def _delete(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    own = (DriftCheck.organization_id == scope.organization.id) & (DriftCheck.provider == provider)
    if numbers:
        number_health.delete_checks(scope, own & DriftCheck.phone_number.in_(numbers))


def _make_rows(scope: Scope, provider: str, numbers: Collection[str]) -> None:
    """Inserts a row for each number that has none, also if another process does so concurrently."""
    own = {"organization_id": scope.organization.id, "provider": provider, "due": False}
    rows = [own | {"phone_number": number} for number in numbers]
    if rows:
        sql.run(scope, sql.upsert(scope, DriftCheck).values(rows))


def due(scope: Scope, provider: str, *, after: str = "", limit: int) -> list[str]:
    """Returns one provider's numbers whose check is pending, in order, after the number `after`."""
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
    """Returns how many checks are pending, by provider."""
    query = (
        select(DriftCheck.provider, func.count().label("numbers"))
        .where(DriftCheck.organization_id == scope.organization.id, DriftCheck.due)
        .group_by(DriftCheck.provider)
    )
    return {row.provider: row.numbers for row in scope.session.execute(query)}


def providers(scope: Scope) -> set[str]:
    """Returns the keys of the providers with numbers that are checked."""
    query = select(DriftCheck.provider).where(DriftCheck.organization_id == scope.organization.id)
    return set(scope.session.scalars(query.distinct()))
