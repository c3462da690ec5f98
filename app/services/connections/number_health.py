"""The verdict on each number, from its last check, its connection and the base URL: one rule, in SQL.

A number that was never read at its provider is unknown, even if something in Patchbay blocks its calls: the
cause names it. Once it was read, the same cause makes it unhealthy, because calls that it had now fail.

The verdict is stored with the check, and every change of it adds a transition in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    String,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    update,
)

from app.core import clock
from app.models import Check, DriftCheck, Endpoint, HealthTransition, Verdict
from app.provider import Family, Outcome
from app.provider.numbers import UNKNOWN, Reason
from app.providers import PROVIDERS, keys_in
from app.services import sql
from app.services.connections import health, proof, store
from app.services.connections.store import StoredConnection
from app.services.scope import Scope


class BlockedReason(StrEnum):
    """The settings in Patchbay that block calls; the values are the API's."""

    UNKNOWN_NUMBER = "unknown_number"
    ENDPOINT_INACTIVE = "endpoint_inactive"
    NO_INBOUND_AGENT = "no_inbound_agent"
    NO_OUTBOUND_AGENT = "no_outbound_agent"
    NO_PUBLIC_BASE_URL = "no_public_base_url"
    PROVIDER_UNKNOWN = "provider_unknown"
    PROVIDER_NOT_CONFIGURED = "provider_not_configured"
    PROVIDER_DISABLED = "provider_disabled"


class Cause(StrEnum):
    """Causes of a verdict beside blocked calls and differences at the provider."""

    NOT_CHECKED = "not_checked"
    REMOVED = "removed"


REFUSED: Mapping[str, Reason] = {Outcome.NO_CREDIT: Reason.NO_CREDIT}
"""Why a number cannot be read, for outcomes more specific than refused credentials."""


def blocked_by(connection: StoredConnection | None) -> BlockedReason | None:
    """Returns why the connection carries no calls; None if it does."""
    if connection is None:
        return BlockedReason.PROVIDER_UNKNOWN
    if not connection.is_configured:
        return BlockedReason.PROVIDER_NOT_CONFIGURED
    return None if connection.is_usable else BlockedReason.PROVIDER_DISABLED


def refused_for(check: Check | None) -> Reason | None:
    """Returns why the last proof of the credentials prevents reading numbers; None if it does not."""
    if check is None or check.ok or check.code not in proof.CREDENTIAL_ERRORS:
        return None
    return REFUSED.get(check.code, Reason.CREDENTIALS_REFUSED)


def has_secondary_token(check: Check | None) -> bool:
    """Whether the stored token is accepted, but is not the one that signs webhooks."""
    return check is not None and not check.ok and check.code == Outcome.SECONDARY_TOKEN


def is_drift() -> ColumnElement[bool]:
    """Returns the condition that a number is unhealthy for a reason at its provider."""
    is_unhealthy: ColumnElement[bool] = DriftCheck.verdict == Verdict.UNHEALTHY
    return and_(is_unhealthy, DriftCheck.cause.not_in(list(BlockedReason)))


def is_blocked() -> ColumnElement[bool]:
    """Returns the condition that a number is unhealthy for a reason in Patchbay."""
    is_unhealthy: ColumnElement[bool] = DriftCheck.verdict == Verdict.UNHEALTHY
    return and_(is_unhealthy, DriftCheck.cause.in_(list(BlockedReason)))


def changed(scope: Scope, numbers: Collection[str] | None = None) -> None:
    """Updates the verdicts on `numbers` (None: all), and on the connections, before the commit.

    The organization must be locked: the verdict depends on all of its settings.
    """
    scope.before_commit(_settle, None if numbers is None else frozenset(numbers))


def among(scope: Scope, numbers: Collection[str]) -> ColumnElement[bool]:
    """Returns the condition that a check is of one of the numbers.

    It names the providers too, because the table's key is organization, provider, number.
    """
    return DriftCheck.provider.in_(PROVIDERS) & sql.in_list(scope, DriftCheck.phone_number, numbers)


def has_checks(scope: Scope) -> bool:
    """Whether any number of the organization has a check. None has during setup."""
    query = select(DriftCheck.provider).where(DriftCheck.organization_id == scope.organization.id)
    return scope.session.scalar(query.limit(1)) is not None


def _settle(scope: Scope, batches: list[frozenset[str] | None]) -> None:
    states, checks = store.load_all(scope), proof.last_of_all(scope)
    health.record_transitions(scope, states, checks)
    if not has_checks(scope):
        return
    numbers: set[str] = set()
    some: ColumnElement[bool] = true()
    if None not in batches:
        some = among(scope, numbers.union(*(batch for batch in batches if batch is not None)))
    changed_rows = and_(DriftCheck.organization_id == scope.organization.id, some)
    cause = _cause(scope, states, checks)
    verdict = _verdict(cause)
    changed_rows &= or_(
        DriftCheck.verdict.is_distinct_from(verdict), DriftCheck.cause.is_distinct_from(cause)
    )
    now = literal(clock.now(), DateTime())
    since = case(
        (_was_never_read(cause), null()),
        (verdict == Verdict.UNHEALTHY, func.coalesce(DriftCheck.since, now)),
        (verdict == Verdict.UNKNOWN, DriftCheck.since),
        else_=null(),
    )
    if not _add(scope, changed_rows, {"now": verdict, "reason": cause, "since": since, "at": now}):
        return
    was_refused = and_(changed_rows, DriftCheck.cause.in_([Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT]))
    if sql.run(scope, update(DriftCheck).where(was_refused).values(due=True)):
        scope.on_commit(scope.queue_drift_check, scope.organization.id)
    sql.run(scope, update(DriftCheck).where(changed_rows).values(verdict=verdict, cause=cause, since=since))
    for row in list(scope.session):
        if isinstance(row, DriftCheck):
            scope.session.expire(row)


def _add(scope: Scope, checks: ColumnElement[bool], values: Mapping[str, ColumnElement[Any]]) -> int:
    """Adds a transition for each of the checks; returns how many."""
    columns = {name: getattr(DriftCheck, name) for name in ("organization_id", "provider", "phone_number")}
    columns["was"] = func.coalesce(DriftCheck.verdict, literal(str(Verdict.OFF), String()))
    columns["ended_since"] = case((values["since"].is_(None), DriftCheck.since))
    columns |= values
    rows = select(*columns.values()).where(checks)
    return sql.run(scope, insert(HealthTransition).from_select(list(columns), rows, include_defaults=False))


def _verdict(cause: ColumnElement[Any]) -> ColumnElement[Any]:
    unknown = [str(reason) for reason in (*UNKNOWN, Cause.NOT_CHECKED)]
    return case(
        (cause.is_(None), literal(str(Verdict.HEALTHY), String())),
        (or_(cause.in_(unknown), _was_never_read(cause)), literal(str(Verdict.UNKNOWN), String())),
        else_=literal(str(Verdict.UNHEALTHY), String()),
    )


def _was_never_read(cause: ColumnElement[Any]) -> ColumnElement[bool]:
    """Returns the condition that the cause is in Patchbay and the provider was never read."""
    return and_(cause.in_([str(reason) for reason in BlockedReason]), DriftCheck.checked_at.is_(None))


def _cause(scope: Scope, states: dict[str, StoredConnection], checks: dict[str, Check]) -> ColumnElement[Any]:
    """Returns the first cause that prevents calls of a number; NULL if its last check found none.

    A correct webhook does not help if its requests are signed with another token than the stored one.
    """
    check = DriftCheck
    cases: list[tuple[ColumnElement[bool], Any]] = []

    def add(keys: Iterable[str], reason: str) -> None:
        if named := sorted(keys):
            cases.append((check.provider.in_(named), literal(str(reason), String())))

    if not scope.organization.public_base_url:
        add(keys_in(Family.TELEPHONY), BlockedReason.NO_PUBLIC_BASE_URL)
    cases.append((check.provider.not_in(states), literal(str(BlockedReason.PROVIDER_UNKNOWN), String())))
    for reason in (BlockedReason.PROVIDER_NOT_CONFIGURED, BlockedReason.PROVIDER_DISABLED):
        add((key for key, state in states.items() if blocked_by(state) is reason), reason)
    for refusal in (Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT):
        add((key for key in states if refused_for(checks.get(key)) is refusal), refusal)
    is_unknown = check.reason.in_([str(reason) for reason in UNKNOWN])
    secondary = sorted(key for key in states if has_secondary_token(checks.get(key)))
    signs_otherwise = and_(check.in_sync.is_(True), check.provider.in_(secondary))
    return case(
        *cases,
        (signs_otherwise, literal(str(Reason.SECONDARY_TOKEN), String())),
        (check.in_sync.is_(True), null()),
        (check.in_sync.is_(False), check.reason),
        (is_unknown, check.reason),
        else_=literal(str(Cause.NOT_CHECKED), String()),
    )


def delete_checks(scope: Scope, condition: ColumnElement[bool]) -> None:
    """Deletes the checks of numbers that should no longer take calls, and adds their transitions."""
    off = literal(str(Verdict.OFF), String())
    own = select(case((Endpoint.is_active, "no_inbound_agent"), else_="endpoint_inactive")).where(
        Endpoint.organization_id == DriftCheck.organization_id,
        Endpoint.provider == DriftCheck.provider,
        Endpoint.phone_number == DriftCheck.phone_number,
    )
    cause = func.coalesce(own.correlate(DriftCheck).scalar_subquery(), str(Cause.REMOVED))
    settled = and_(condition, DriftCheck.verdict.is_not(None))
    at = literal(clock.now(), DateTime())
    _add(scope, settled, {"now": off, "reason": cause, "since": null(), "at": at})
    sql.run(scope, delete(DriftCheck).where(condition))
