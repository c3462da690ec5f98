"""Queries of audit events: the latest, those about a subject, a page, or all for an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, or_, select, true, union_all

from app.core import days, phone
from app.models import AuditEvent, User
from app.services import keyset
from app.services.audit import chain
from app.services.audit import numbers as audit_numbers
from app.services.audit.actions import Action
from app.services.audit.numbers import Changes
from app.services.keyset import Mark, Page
from app.services.scope import Scope

PAGE = 50
TOGETHER = 1000
"""How many events an export reads in one batch."""
TEXT_LONGEST = 254
LONGEST_ID = 15
"""The most digits that an event's id has in a cursor."""
LARGEST_ID = 2**31 - 1
"""The largest id that PostgreSQL can compare; no event has a larger one."""

ABOUT_ALL = ("reason", "selected", "undone")
"""Changes of a bulk event that apply to each of its numbers."""


@dataclass(frozen=True)
class Filter:
    """Selects events.

    `about` are whole subjects, `text` is part of one; the days are in `zone`, both inclusive. A phone
    number also selects bulk events about it. `outside` selects events without an organization.
    """

    about: tuple[str, ...] = ()
    text: str = ""
    outside: bool = False
    who: str = ""
    actions: tuple[Action, ...] = ()
    since: date | None = None
    until: date | None = None
    zone: tzinfo = UTC


EVERYTHING = Filter()


@dataclass(frozen=True)
class AuditPage(Page[AuditEvent]):
    """A page of events, newest first. `own`: the changes by bulk events of the number that was searched."""

    own: Mapping[int, Changes] = field(default_factory=dict)

    def changes(self, event: AuditEvent) -> Changes:
        """Returns the changes by an event, limited to the number that was searched."""
        return _own_changes(event, self.own[event.id]) if event.id in self.own else event.changes


def _own_changes(event: AuditEvent, own: Changes) -> Changes:
    shared = {name: pair for name, pair in event.changes.items() if name in ABOUT_ALL}
    source = "imported_from" if event.action == Action.ENDPOINTS_IMPORTED else "together_with"
    return {**own, **shared, source: [None, event.subject]}


@dataclass(frozen=True)
class _Query:
    """A filter, and the bulk events whose numbers match its `about` and `text`."""

    filter: Filter
    about: Mapping[int, Changes]
    text: Mapping[int, Changes]

    @property
    def own(self) -> Mapping[int, Changes]:
        return {**self.text, **self.about}


def recent(
    scope: Scope, filters: Filter = EVERYTHING, *, before: int | None = None, limit: int = PAGE
) -> list[AuditEvent]:
    """Returns events, newest first, older than the event `before`.

    They are those of the scope's organization; outside organizations, all events.
    """
    return _fetch(scope, _with_bulk_events(scope, filters), _mark(before), limit)


def _mark(event_id: int | None, *, is_before: bool = False) -> Mark | None:
    if event_id is None:
        return None
    bounded_id = min(event_id, LARGEST_ID)
    return Mark(bounded_id, bounded_id, is_before)


def _beside(mark: Mark | None) -> ColumnElement[bool]:
    if mark is None:
        return true()
    last: int = mark.unique
    return AuditEvent.id > last if mark.is_before else AuditEvent.id < last


def _fetch(scope: Scope, meant: _Query, mark: Mark | None, limit: int) -> list[AuditEvent]:
    """Returns up to `limit` events beside the mark, nearest first.

    Within an organization, each action is a query of its own on the index, so that rare actions are found
    as quickly as frequent ones.
    """
    chosen, rises = meant.filter, mark is not None and mark.is_before
    beside = _beside(mark)
    order = [column.element.asc() if rises else column for column in _newest_first(scope, chosen)]
    query = _query(scope, meant).where(beside)
    if scope.organization_or_none and chosen.actions and not chosen.about:
        kinds = (replace(meant, filter=replace(chosen, actions=(action,))) for action in chosen.actions)
        each = (_query(scope, kind) for kind in kinds)
        some = (
            one.with_only_columns(AuditEvent.id).where(beside).order_by(*order).limit(limit) for one in each
        )
        ids = union_all(*(select(one.subquery().c.id) for one in some))
        query = select(AuditEvent).where(AuditEvent.id.in_(ids))
    return list(scope.session.scalars(query.order_by(*order).limit(limit)))


def _with_bulk_events(scope: Scope, filters: Filter) -> _Query:
    text = _number_in(scope, filters.text) if filters.text else []
    return _Query(filters, _changes_of_numbers(scope, filters.about), _changes_of_numbers(scope, text))


def _changes_of_numbers(scope: Scope, numbers: Iterable[str]) -> dict[int, Changes]:
    own = scope.organization_or_none.id if scope.organization_or_none else None
    changes_by_number = [audit_numbers.of_number(scope.session, own, number) for number in numbers]
    return {event: changes for one in changes_by_number for event, changes in one.items()}


def _number_in(scope: Scope, text: str) -> list[str]:
    with suppress(ValueError):
        return [
            phone.normalize(text, scope.organization_or_none.country if scope.organization_or_none else None)
        ]
    return []


def about(scope: Scope, *subjects: str, actions: tuple[Action, ...] = (), limit: int = 5) -> list[AuditEvent]:
    """Returns the last events about one thing, under any of its names."""
    return history(scope, *subjects, actions=actions, limit=limit).rows


def history(scope: Scope, *subjects: str, actions: tuple[Action, ...] = (), limit: int = 5) -> AuditPage:
    """Returns the last events about one thing, with the changes of this number by bulk events."""
    query = _with_bulk_events(scope, Filter(about=subjects, actions=actions))
    return AuditPage(_fetch(scope, query, None, limit), own=query.own)


def page(
    scope: Scope,
    filters: Filter = EVERYTHING,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> AuditPage:
    """Returns the newest events, or those directly before or after an event."""
    meant = _with_bulk_events(scope, filters)
    events = keyset.page_of(
        lambda mark, most: _fetch(scope, meant, mark, most),
        _mark(before) if after is None else _mark(after, is_before=True),
        limit,
        lambda event, _: event.id,
    )
    return AuditPage(events.rows, events.next, events.previous, meant.own)


def document(event: AuditEvent, changes: Changes) -> dict[str, Any]:
    """Returns an event as the API and the export document it.

    `of_number` has the changes of the number that was searched, if the event is about many.
    """
    shown = {
        "id": event.id,
        "at": f"{event.at.isoformat()}Z",
        "organization_id": event.organization_id,
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "ip": event.ip,
        "request_id": event.request_id,
        "action": event.action,
        "subject": event.subject,
        "changes": event.changes,
        "numbers_digest": event.numbers_digest,
        "digest": event.digest,
    }
    return shown if changes == event.changes else shown | {"of_number": changes}


def walk(scope: Scope, filters: Filter) -> Iterator[tuple[AuditEvent, Changes]]:
    """Yields every event of the filter with its changes, newest first, in batches.

    No transaction stays open between batches.
    """
    last, meant = None, _with_bulk_events(scope, filters)
    while events := _fetch(scope, meant, _mark(last), TOGETHER):
        scope.session.expunge_all()
        scope.end_read()
        batch = AuditPage(events, own=meant.own)
        yield from ((event, batch.changes(event)) for event in events)
        last = events[-1].id


def _newest_first(scope: Scope, filters: Filter) -> tuple[UnaryExpression[Any], ...]:
    """Returns the sort order.

    With `about`, `id + 0` prevents the database from scanning by id instead of using the subject index.
    """
    if filters.about:
        return ((AuditEvent.id + 0).desc(),)
    return (
        chain.NEWEST_FIRST if scope.organization_or_none and not filters.actions else (AuditEvent.id.desc(),)
    )


def _query(scope: Scope, meant: _Query) -> Select[AuditEvent]:
    query, chosen = select(AuditEvent), meant.filter
    if scope.organization_or_none:
        own = scope.organization_or_none.id
        is_led = chosen.about or chosen.actions
        query = query.where(AuditEvent.organization_id == own if is_led else chain.of(own))
    if chosen.outside:
        query = query.where(AuditEvent.organization_id.is_(None))
    if chosen.about:
        query = query.where(or_(AuditEvent.subject.in_(chosen.about), *_is_among(meant.about)))
    if chosen.text:
        has_it = scope.contains(AuditEvent.subject, chosen.text)
        query = query.where(or_(has_it, *_is_among(meant.text)))
    if chosen.who:
        named = select(User.id).where(scope.contains(User.name, chosen.who))
        by_email = scope.contains(AuditEvent.actor_name, chosen.who)
        query = query.where(or_(by_email, AuditEvent.actor_id.in_(named)))
    if chosen.actions:
        query = query.where(AuditEvent.action.in_(chosen.actions))
    if chosen.since:
        query = query.where(AuditEvent.at >= days.start(chosen.since, chosen.zone))
    if chosen.until:
        query = query.where(AuditEvent.at <= days.end(chosen.until, chosen.zone))
    return query


def _is_among(events: Mapping[int, Changes]) -> list[ColumnElement[bool]]:
    return [AuditEvent.id.in_(events)] if events else []
