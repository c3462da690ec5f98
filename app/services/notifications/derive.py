"""Makes notifications of health transitions and audit events, once each and in their order.

Transitions and events are stored in the transactions of the changes. The last one that was read is stored
in the transaction that adds the notifications, so a process that is killed loses none and repeats none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, select, update

from app.core import clock
from app.models import (
    AuditEvent,
    DriftCheck,
    HealthTransition,
    Notification,
    NotificationOutbox,
    NotificationSettings,
    Organization,
    Verdict,
)
from app.services import sql
from app.services.connections import proof, transitions
from app.services.connections.health import Health
from app.services.notifications import audited, record
from app.services.notifications.events import Event
from app.services.notifications.record import Draft
from app.services.scope import Scope

BATCH = 5000
QUIET = timedelta(seconds=5)
"""A batch is read after this much time without further transitions, so that related ones form one message."""

LONGEST = timedelta(seconds=25)
"""The longest time that a transition waits for further ones."""

NUMBERS = "numbers"

Number = tuple[str, str]
"""The key of a provider, and a phone number."""


def pending(scope: Scope) -> list[str | None]:
    """Returns the organizations with transitions or events to read; None is the installation."""
    settings = NotificationSettings
    is_new = exists().where(
        HealthTransition.organization_id == Organization.id,
        HealthTransition.id > func.coalesce(settings.transition_id, 0),
    )
    query = select(Organization.id).outerjoin(settings, settings.owner == Organization.id).where(is_new)
    owners: dict[str | None, None] = dict.fromkeys(scope.session.scalars(query))
    waiting = select(AuditEvent.organization_id).join(NotificationOutbox).distinct()
    return list(owners | dict.fromkeys(scope.session.scalars(waiting)))


def derive(scope: Scope, *, quiet: timedelta = QUIET) -> int:
    """Adds notifications of the new transitions and events of one owner.

    Returns how many notifications were made.
    """
    with scope.transaction(lock=False):
        settings = record.lock(scope)
        drafts = audited.drafts(scope)
        rows: list[HealthTransition] = []
        if scope.organization_or_none is not None:
            rows = transitions.after(scope, settings.transition_id, limit=BATCH)
        if rows and not _is_growing(rows, quiet):
            drafts += _of_numbers(scope, settings, [row for row in rows if row.phone_number])
            drafts += _of_connections(scope, [row for row in rows if not row.phone_number])
            _advance(scope, settings, rows[-1].id)
        for draft in sorted(drafts, key=lambda draft: draft.at):
            record.add(scope, draft)
        if rows:
            record.close(scope, list(_resolved_problems(scope)))
    return len(drafts)


def _is_growing(rows: Sequence[HealthTransition], quiet: timedelta) -> bool:
    """Whether related transitions may still follow. A time in the future is from a clock that was ahead."""
    now = clock.now()
    is_fresh = now - quiet < rows[-1].at <= now + clock.APART
    return len(rows) < BATCH and is_fresh and rows[0].at > now - LONGEST


def _advance(scope: Scope, settings: NotificationSettings, transition_id: int) -> None:
    """Stores the last transition that was read, without a new version of the settings."""
    is_owner = NotificationSettings.owner == settings.owner
    sql.run(scope, update(NotificationSettings).where(is_owner).values(transition_id=transition_id))
    scope.session.expire(settings)


@dataclass
class _Group:
    """Numbers with the same event, provider and reason, for one message."""

    event: Event
    provider: str
    reason: str | None
    at: datetime
    numbers: dict[str, None] = field(default_factory=dict)
    times: list[datetime] = field(default_factory=list)

    def draft(self) -> Draft:
        numbers = list(self.numbers)
        return Draft(
            self.event,
            lane=NUMBERS,
            provider=self.provider,
            subject=numbers[0] if len(numbers) == 1 else "",
            subjects=numbers,
            count=len(numbers),
            reason=self.reason,
            since=min(self.times, default=None),
            until=max(self.times, default=None),
            at=self.at,
        )


def _of_numbers(
    scope: Scope, settings: NotificationSettings, rows: Sequence[HealthTransition]
) -> list[Draft]:
    """Returns one draft for all numbers with the same news. The news of one number stay in order."""
    was_unhealthy = _unhealthy_before(scope, settings, rows)
    groups: list[_Group] = []
    last: dict[Number, int] = {}
    for row in rows:
        number = (row.provider, row.phone_number)
        event = _event(row, is_known=number in was_unhealthy)
        if row.since is not None:
            was_unhealthy.add(number)
        elif row.now != Verdict.UNKNOWN:
            was_unhealthy.discard(number)
        if event is None:
            continue
        place = _group_index(groups, event, row, after=last.get(number, -1))
        last[number] = place
        groups[place].numbers[row.phone_number] = None
        if row.since is not None:
            groups[place].times.append(row.since)
    return [group.draft() for group in groups]


def _event(row: HealthTransition, *, is_known: bool) -> Event | None:
    """Returns the event of a transition. `is_known`: the number was reported as unhealthy."""
    if row.now == Verdict.UNHEALTHY and not is_known:
        return Event.NUMBER_UNHEALTHY
    return Event.NUMBER_RECOVERED if row.now == Verdict.HEALTHY and is_known else None


def _group_index(groups: list[_Group], event: Event, row: HealthTransition, *, after: int) -> int:
    """Returns the index of the row's group: the last of its kind after `after`, or a new one."""
    reason = row.reason if event is Event.NUMBER_UNHEALTHY else None
    for place in range(len(groups) - 1, after, -1):
        group = groups[place]
        if (group.event, group.provider, group.reason) == (event, row.provider, reason):
            return place
    groups.append(_Group(event, row.provider, reason, row.at))
    return len(groups) - 1


def _unhealthy_before(
    scope: Scope, settings: NotificationSettings, rows: Sequence[HealthTransition]
) -> set[Number]:
    """Returns the numbers of the rows that were unhealthy before them."""
    row = HealthTransition
    first = {(one.provider, one.phone_number): one for one in reversed(rows)}
    doubtful = [one.phone_number for one in first.values() if one.was != Verdict.HEALTHY]
    newest = (
        select(func.max(row.id))
        .where(
            row.organization_id == scope.organization.id,
            row.id <= settings.transition_id,
            sql.in_list(scope, row.phone_number, sorted(set(doubtful))),
        )
        .group_by(row.provider, row.phone_number)
    )
    query = select(row.provider, row.phone_number).where(row.id.in_(newest), row.since.is_not(None))
    return {(provider, number) for provider, number in scope.session.execute(query)}


def _of_connections(scope: Scope, rows: Iterable[HealthTransition]) -> list[Draft]:
    reported = [row.key or "" for row in record.open_problems(scope, Event.CONNECTION_REFUSED)]
    checks = proof.last_of_all(scope)
    is_open = dict.fromkeys(reported, True)
    drafts = []
    for row in rows:
        key = f"connection:{row.provider}"
        check = checks.get(row.provider)
        base = Draft(Event.CONNECTION_REFUSED, lane=key, key=key, provider=row.provider, at=row.at)
        if row.now == Verdict.UNHEALTHY and row.reason != Health.INCOMPLETE and not is_open.get(key):
            detail = check.reason if check and not check.ok else None
            drafts.append(replace(base, reason=row.reason, detail=detail, since=row.since))
            is_open[key] = True
        elif row.now in (Verdict.HEALTHY, Verdict.OFF) and is_open.get(key):
            is_open[key] = False
            if row.now == Verdict.HEALTHY:
                drafts.append(replace(base, event=Event.CONNECTION_RECOVERED, key=None))
    return drafts


def _resolved_problems(scope: Scope) -> Iterable[Notification]:
    """Yields the open problems of numbers and connections that are over."""
    current = transitions.of_connections(scope)
    for row in record.open_problems(scope, Event.NUMBER_UNHEALTHY, Event.CONNECTION_REFUSED):
        if row.event == Event.NUMBER_UNHEALTHY:
            if not _is_unhealthy(scope, row):
                yield row
        elif (last := current.get(row.provider or "")) and last.now in (Verdict.HEALTHY, Verdict.OFF):
            yield row


def _is_unhealthy(scope: Scope, row: Notification) -> bool:
    """Whether one of the numbers has been unhealthy ever since."""
    check = DriftCheck
    is_reported = and_(
        check.organization_id == scope.organization.id,
        check.provider == row.provider,
        check.since.between(row.since, row.until),
    )
    if row.count <= len(row.subjects):
        is_reported = and_(is_reported, sql.in_list(scope, check.phone_number, row.subjects))
    return scope.session.scalar(select(exists().where(is_reported))) or False
