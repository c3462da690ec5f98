"""The verdict on each number, from its last check, its connection and the base URL: one rule, in SQL.

A number that was never read at its provider is unknown, whatever Patchbay lacks for its calls: the cause says
what. It is unhealthy for that once it was read, because then its calls stop.

It is stored with the check, and every change of it is a transition in the same transaction.
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
    """What in Patchbay keeps a call from being answered or dialled; the values are the API's."""

    UNKNOWN_NUMBER = "unknown_number"
    ENDPOINT_INACTIVE = "endpoint_inactive"
    NO_INBOUND_AGENT = "no_inbound_agent"
    NO_OUTBOUND_AGENT = "no_outbound_agent"
    NO_PUBLIC_BASE_URL = "no_public_base_url"
    PROVIDER_UNKNOWN = "provider_unknown"
    PROVIDER_NOT_CONFIGURED = "provider_not_configured"
    PROVIDER_DISABLED = "provider_disabled"


class Cause(StrEnum):
    """Why a number is not healthy, beside what is blocked here and what differs at its provider."""

    NOT_CHECKED = "not_checked"
    REMOVED = "removed"


REFUSED: Mapping[str, Reason] = {Outcome.NO_CREDIT: Reason.NO_CREDIT}
"""Why a number cannot be read, by the code of a refusal that says more than that of credentials."""


def blocked_by(connection: StoredConnection | None) -> BlockedReason | None:
    """Returns why the connection carries no calls; None if it can."""
    if connection is None:
        return BlockedReason.PROVIDER_UNKNOWN
    if not connection.is_configured:
        return BlockedReason.PROVIDER_NOT_CONFIGURED
    return None if connection.is_usable else BlockedReason.PROVIDER_DISABLED


def refused_for(check: Check | None) -> Reason | None:
    """Returns why numbers cannot be read with the credentials, as last proven; None if they can."""
    if check is None or check.ok or check.code not in proof.CREDENTIAL_ERRORS:
        return None
    return REFUSED.get(check.code, Reason.CREDENTIALS_REFUSED)


def has_secondary_token(check: Check | None) -> bool:
    """Whether the stored token is accepted, and is not the one that the provider signs webhooks with."""
    return check is not None and not check.ok and check.code == Outcome.SECONDARY_TOKEN


def is_drift() -> ColumnElement[bool]:
    """In SQL: the number is unhealthy for a reason at its provider."""
    is_unhealthy: ColumnElement[bool] = DriftCheck.verdict == Verdict.UNHEALTHY
    return and_(is_unhealthy, DriftCheck.cause.not_in(list(BlockedReason)))


def is_blocked() -> ColumnElement[bool]:
    """In SQL: the number is unhealthy for a reason in Patchbay."""
    is_unhealthy: ColumnElement[bool] = DriftCheck.verdict == Verdict.UNHEALTHY
    return and_(is_unhealthy, DriftCheck.cause.in_(list(BlockedReason)))


def changed(scope: Scope, numbers: Collection[str] | None = None) -> None:
    """Settles the verdicts on `numbers` (all if None), and on the connections, before the commit.

    The organization has to be locked: the verdict depends on all of its settings.
    """
    scope.before_commit(_settle, None if numbers is None else frozenset(numbers))


def among(scope: Scope, numbers: Collection[str]) -> ColumnElement[bool]:
    """Names the providers too, because the key is organization, provider, number."""
    return DriftCheck.provider.in_(PROVIDERS) & sql.in_list(scope, DriftCheck.phone_number, numbers)


def has_checks(scope: Scope) -> bool:
    """Whether any number of the organization is checked. While it is being set up, none is."""
    query = select(DriftCheck.provider).where(DriftCheck.organization_id == scope.organization.id)
    return scope.session.scalar(query.limit(1)) is not None


def _settle(scope: Scope, batches: list[frozenset[str] | None]) -> None:
    states, checks = store.load_all(scope), proof.last_of_all(scope)
    health.settle(scope, states, checks)
    if not has_checks(scope):
        return
    numbers: set[str] = set()
    some: ColumnElement[bool] = true()
    if None not in batches:
        some = among(scope, numbers.union(*(batch for batch in batches if batch is not None)))
    mine = and_(DriftCheck.organization_id == scope.organization.id, some)
    cause = _cause(scope, states, checks)
    verdict = _verdict(cause)
    mine &= or_(DriftCheck.verdict.is_distinct_from(verdict), DriftCheck.cause.is_distinct_from(cause))
    now = literal(clock.now(), DateTime())
    since = case(
        (_was_never_read(cause), null()),
        (verdict == Verdict.UNHEALTHY, func.coalesce(DriftCheck.since, now)),
        (verdict == Verdict.UNKNOWN, DriftCheck.since),
        else_=null(),
    )
    if not _add(scope, mine, {"now": verdict, "reason": cause, "since": since, "at": now}):
        return
    was_refused = and_(mine, DriftCheck.cause.in_([Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT]))
    if sql.run(scope, update(DriftCheck).where(was_refused).values(due=True)):
        scope.on_commit(scope.queue_drift_check, scope.organization.id)
    sql.run(scope, update(DriftCheck).where(mine).values(verdict=verdict, cause=cause, since=since))
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
    """Whether the cause is in Patchbay, and nothing was ever seen of the number at its provider."""
    return and_(cause.in_([str(reason) for reason in BlockedReason]), DriftCheck.checked_at.is_(None))


def _cause(scope: Scope, states: dict[str, StoredConnection], checks: dict[str, Check]) -> ColumnElement[Any]:
    """The first thing that keeps calls of a number from being answered; NULL if its last check found none.

    A webhook that is right is of no use if its requests are signed with another token than the stored one.
    """
    check = DriftCheck
    found: list[tuple[ColumnElement[bool], Any]] = []

    def add(keys: Iterable[str], reason: str) -> None:
        if named := sorted(keys):
            found.append((check.provider.in_(named), literal(str(reason), String())))

    if not scope.organization.public_base_url:
        add(keys_in(Family.TELEPHONY), BlockedReason.NO_PUBLIC_BASE_URL)
    found.append((check.provider.not_in(states), literal(str(BlockedReason.PROVIDER_UNKNOWN), String())))
    for reason in (BlockedReason.PROVIDER_NOT_CONFIGURED, BlockedReason.PROVIDER_DISABLED):
        add((key for key, state in states.items() if blocked_by(state) is reason), reason)
    for refusal in (Reason.CREDENTIALS_REFUSED, Reason.NO_CREDIT):
        add((key for key in states if refused_for(checks.get(key)) is refusal), refusal)
    is_unknown = check.reason.in_([str(reason) for reason in UNKNOWN])
    secondary = sorted(key for key in states if has_secondary_token(checks.get(key)))
    signs_otherwise = and_(check.in_sync.is_(True), check.provider.in_(secondary))
    return case(
        *found,
        (signs_otherwise, literal(str(Reason.SECONDARY_TOKEN), String())),
        (check.in_sync.is_(True), null()),
        (check.in_sync.is_(False), check.reason),
        (is_unknown, check.reason),
        else_=literal(str(Cause.NOT_CHECKED), String()),
    )


def delete_checks(scope: Scope, condition: ColumnElement[bool]) -> None:
    """Deletes the checks of numbers that are no longer expected to take calls, and adds their transitions."""
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
