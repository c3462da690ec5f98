"""Problems that arise with time: tokens that expire, old secrets and backups, failed or overdue checks.

They are found from the current state, so that a problem is open exactly as long as it lasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import and_, select

from app import providers
from app.core import clock
from app.models import (
    ApiToken,
    CheckRun,
    Connection,
    Installation,
    Notification,
    NotificationSettings,
    Organization,
    Secret,
    User,
)
from app.provider import Origin
from app.services.notifications import record
from app.services.notifications.events import Event
from app.services.notifications.record import INSTALLATION, Draft
from app.services.scope import Scope

STAGES = (3, 14)
"""Days before a token expires, in ascending order, at which it is reported."""

OVERDUE_PERIODS = 2
"""A check is overdue if there was none for this many periods."""

GRACE = timedelta(minutes=10)
"""Added to the periods after which a check is overdue."""
EVENTS = (
    Event.TOKEN_EXPIRING,
    Event.SECRET_OLD,
    Event.CHECK_FAILED,
    Event.CHECK_OVERDUE,
    Event.BACKUP_OLD,
)

Found = tuple[str | None, Draft]
"""The id of an organization (None: the installation), and a current problem of it."""


def reconcile(scope: Scope, every: timedelta) -> None:
    """Opens the current problems, and closes those that are over. `every` is the period of checks."""
    current: dict[str | None, dict[str, Draft]] = {}
    for owner, draft in _current_problems(scope, every):
        current.setdefault(owner, {})[draft.key or ""] = draft
    for owner in current.keys() | _owners_with_open(scope):
        organization = scope.session.get(Organization, owner) if owner else None
        if owner is None or organization is not None:
            _reconcile(replace(scope, organization_or_none=organization), current.get(owner, {}))
    scope.end_read()


def _reconcile(scope: Scope, current: dict[str, Draft]) -> None:
    """Opens and closes the problems of one owner.

    Compares them before the transaction, so that none begins without a change, and again inside it.
    """
    if {row.key for row in record.open_problems(scope, *EVENTS)} == current.keys():
        return
    with scope.transaction(lock=False):
        record.lock(scope)
        rows = record.open_problems(scope, *EVENTS)
        record.close(scope, [row for row in rows if row.key not in current])
        open_keys = {row.key for row in rows}
        for key, draft in current.items():
            if key not in open_keys:
                record.add(scope, draft)


def _owners_with_open(scope: Scope) -> set[str | None]:
    is_open = and_(Notification.closed_at.is_(None), Notification.event.in_(EVENTS))
    return set(scope.session.scalars(select(Notification.organization_id).where(is_open).distinct()))


def _current_problems(scope: Scope, every: timedelta) -> Iterator[Found]:
    now = clock.now()
    yield from _tokens(scope, now)
    yield from _secrets(scope, now)
    yield from _checks(scope, now, every)
    yield from _backup(scope, now)


def _tokens(scope: Scope, now: datetime) -> Iterator[Found]:
    """Yields tokens that expire soon. At a stage longer than its whole life, a token is not reported."""
    end = now + timedelta(days=STAGES[-1])
    query = (
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(
            ApiToken.revoked_at.is_(None),
            ~ApiToken.is_sign_in,
            ApiToken.expires_at.between(now, end),
            User.disabled_at.is_(None),
        )
    )
    for token, user in scope.session.execute(query):
        life, remaining = token.expires_at - token.created_at, token.expires_at - now
        days = next((stage for stage in STAGES if remaining <= timedelta(days=stage) < life), None)
        if days is not None:
            yield (
                user.organization_id,
                Draft(
                    Event.TOKEN_EXPIRING,
                    lane="tokens",
                    key=f"token:{token.id}:{days}",
                    subject=token.name,
                    reason=str(days),
                    detail=user.email,
                    since=token.expires_at,
                ),
            )


def _secrets(scope: Scope, now: datetime) -> Iterator[Found]:
    """Yields secrets that users enter, if they are older than their organization's limit."""
    limits = select(NotificationSettings).where(NotificationSettings.most_secret_days.is_not(None))
    for limit in scope.session.scalars(limits).all():
        end = now - timedelta(days=limit.most_secret_days or 0)
        is_old = and_(Secret.organization_id == limit.owner, Secret.updated_at < end)
        for row in scope.session.scalars(select(Secret).where(is_old)).all():
            label = _label_of_entered(row)
            if label is not None:
                yield (
                    limit.owner,
                    Draft(
                        Event.SECRET_OLD,
                        lane="secrets",
                        key=f"secret:{row.id}",
                        provider=row.provider,
                        subject=label,
                        reason=str(limit.most_secret_days),
                        since=row.updated_at,
                    ),
                )


def _label_of_entered(row: Secret) -> str | None:
    """Returns the label of a field that users enter; None for another."""
    provider = providers.PROVIDERS.get(row.provider)
    fields = {field.name: field for field in provider.fields} if provider else {}
    field = fields.get(row.field)
    return field.label if field and field.origin is Origin.TYPED else None


def _checks(scope: Scope, now: datetime, every: timedelta) -> Iterator[Found]:
    is_same = and_(
        CheckRun.organization_id == Connection.organization_id, CheckRun.provider == Connection.provider
    )
    query = (
        select(Connection, CheckRun)
        .outerjoin(CheckRun, is_same)
        .where(Connection.enabled, Connection.provider.in_(providers.PROVIDERS))
    )
    latest = now - OVERDUE_PERIODS * every - GRACE
    for connection, last_run in scope.session.execute(query):
        run: CheckRun | None = last_run
        key, owner = connection.provider, connection.organization_id
        last = (run.finished_at if run else None) or connection.created_at
        if run is not None and run.failure and run.finished_at:
            name, at = f"check-failed:{key}", run.finished_at
            yield owner, Draft(Event.CHECK_FAILED, name, name, key, detail=run.failure, since=at)
        elif every and last < latest:
            name, at = f"check-overdue:{key}", last + every
            yield owner, Draft(Event.CHECK_OVERDUE, name, name, key, since=at)


def _backup(scope: Scope, now: datetime) -> Iterator[Found]:
    chosen = select(NotificationSettings.most_backup_days).where(NotificationSettings.owner == INSTALLATION)
    days = scope.session.scalar(chosen)
    if days is None:
        return
    last = scope.session.scalar(select(Installation.backed_up_at))
    if last is None or last < now - timedelta(days=days):
        yield (
            None,
            Draft(Event.BACKUP_OLD, lane="backup", key="backup", reason=str(days), since=last),
        )
