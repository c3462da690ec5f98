"""The figures of `/metrics` about all organizations, read from indexes.

No label is a value that users choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Select, and_, func, select

from app.core import clock
from app.models import (
    ApiToken,
    CheckRun,
    Connection,
    Delivery,
    Destination,
    DriftCheck,
    HealthTransition,
    Installation,
    Job,
    Secret,
    User,
)
from app.services import jobs
from app.services.connections import transitions
from app.services.notifications.states import State
from app.services.scope import Scope

Sample: TypeAlias = tuple[list[str], float]
"""The values of the labels, and the value of the metric."""


def numbers(scope: Scope) -> Iterator[Sample]:
    """Yields the count of numbers that should take calls, by provider and verdict."""
    check = DriftCheck
    query = select(check.provider, check.verdict, func.count()).where(check.verdict.is_not(None))
    return _samples(scope, query.group_by(check.provider, check.verdict))


def connections(scope: Scope) -> Iterator[Sample]:
    """Yields the count of connections, by provider and the verdict of their last transition."""
    last = HealthTransition
    of_connection = last.phone_number == transitions.CONNECTION
    newest = select(func.max(last.id)).where(of_connection).group_by(last.organization_id, last.provider)
    query = select(last.provider, last.now, func.count()).where(last.id.in_(newest))
    return _samples(scope, query.group_by(last.provider, last.now))


def last_checks(scope: Scope) -> Iterator[Sample]:
    """Yields the end of the least recent last check, by provider.

    A running check counts from its start, and a connection that was never checked from its creation.
    """
    ended = func.min(func.coalesce(CheckRun.finished_at, CheckRun.started_at, Connection.created_at))
    query = select(Connection.provider, ended).outerjoin(CheckRun, _SAME_PLACE).where(Connection.enabled)
    return _samples(scope, query.group_by(Connection.provider))


def failed_checks(scope: Scope) -> Iterator[Sample]:
    """Yields the count of connections whose last check failed, by provider: 0 if there is none."""
    query = select(Connection.provider, func.count(CheckRun.failure)).outerjoin(CheckRun, _SAME_PLACE)
    return _samples(scope, query.where(Connection.enabled).group_by(Connection.provider))


_SAME_PLACE = and_(
    CheckRun.organization_id == Connection.organization_id, CheckRun.provider == Connection.provider
)


def pending_checks(scope: Scope) -> Iterator[Sample]:
    """Yields the count of pending checks, by provider. The subquery follows the order of their index."""
    place = (DriftCheck.organization_id, DriftCheck.provider)
    of_each = select(*place, func.count().label("numbers")).where(DriftCheck.due).group_by(*place).subquery()
    query = select(of_each.c.provider, func.sum(of_each.c.numbers))
    return _samples(scope, query.group_by(of_each.c.provider))


def running_jobs(scope: Scope) -> Iterator[Sample]:
    """Yields the count of running jobs, by kind: 0 for a kind without one."""
    is_alive = and_(Job.state == jobs.State.RUNNING, Job.reported_at > clock.now() - jobs.SILENT)
    query = select(Job.kind, func.count()).where(is_alive).group_by(Job.kind)
    running = {kind: count for (kind,), count in _samples(scope, query)}
    return (([kind], running.get(kind, 0)) for kind in jobs.Kind)


def waiting_deliveries(scope: Scope) -> Iterator[Sample]:
    """Yields the count of unsent messages, by kind of destination, quiet periods included."""
    query = select(Destination.kind, func.count()).join(Delivery).where(Delivery.state == State.WAITING)
    return _samples(scope, query.group_by(Destination.kind))


def oldest_deliveries(scope: Scope) -> Iterator[Sample]:
    """Yields when the oldest unsent message was created, by kind of destination.

    Messages that a quiet period delays do not count.
    """
    is_late = and_(Delivery.state == State.WAITING, ~Delivery.was_held)
    query = select(Destination.kind, func.min(Delivery.created_at)).join(Delivery).where(is_late)
    return _samples(scope, query.group_by(Destination.kind))


def disabled_destinations(scope: Scope) -> Iterator[Sample]:
    """Yields the count of destinations that were disabled after failing for a day.

    By kind of destination: 0 if there is none.
    """
    query = select(Destination.kind, func.count(Destination.disabled_reason))
    return _samples(scope, query.group_by(Destination.kind))


def next_token_expiry(scope: Scope) -> Iterator[Sample]:
    """Yields when the first usable API token expires; tokens of sign-ins do not count."""
    is_usable = and_(
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > clock.now(),
        User.disabled_at.is_(None),
        ~ApiToken.is_sign_in,
    )
    return _samples(scope, select(func.min(ApiToken.expires_at)).join(User).where(is_usable))


def oldest_secrets(scope: Scope) -> Iterator[Sample]:
    """Yields when the oldest stored secret was entered, by provider."""
    return _samples(scope, select(Secret.provider, func.min(Secret.updated_at)).group_by(Secret.provider))


def last_backup(scope: Scope) -> Iterator[Sample]:
    """Yields when the last backup was made."""
    return _samples(scope, select(Installation.backed_up_at))


def _samples(scope: Scope, query: Select[*tuple[Any, ...]]) -> Iterator[Sample]:
    """Yields a sample for each row: its last column is the value. Rows without one are skipped."""
    for *labels, value in scope.session.execute(query):
        if value is not None:
            yield labels, clock.seconds(value) if isinstance(value, datetime) else value
