"""Who did what. Written in the transaction of the change: if it cannot be, nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, select, true, union_all, update
from sqlalchemy.orm import Session

from app.models import AuditEvent, Organization
from app.services import chain
from app.services.scope import Scope

PAGE = 50
TOGETHER = 1000


def record(
    scope: Scope, action: str, subject: str, changes: Mapping[str, Sequence[Any]] | None = None
) -> None:
    """Adds an event for a change, and marks the organization as changed.

    `changes` maps a field to its value before and after; for a secret, to words about it.
    """
    note(scope, action, subject, changes)
    if scope.found is not None:
        _raise_revision(scope.session, scope.found)


def _raise_revision(session: Session, organization: Organization) -> None:
    """Leaves the version and `updated_at` alone: those are about the organization's own fields."""
    session.execute(
        update(Organization)
        .where(Organization.id == organization.id)
        .values(revision=Organization.revision + 1, updated_at=Organization.updated_at)
        .execution_options(synchronize_session=False)
    )
    session.expire(organization, ["revision"])


def note(scope: Scope, action: str, subject: str, changes: Mapping[str, Sequence[Any]] | None = None) -> None:
    """Adds an event for something that changed nothing in the organization: a sign-in, a read.

    Inside a transaction only, which links it to the events before it when it ends.
    """
    chain.add(
        scope.session,
        AuditEvent(
            organization_id=scope.found.id if scope.found else None,
            actor_id=scope.actor.user_id,
            actor_name=_line(scope.actor.name),
            ip=scope.actor.ip,
            request_id=scope.actor.request_id,
            action=action,
            subject=_line(subject),
            changes={name: list(pair) for name, pair in (changes or {}).items()},
        ),
    )


def _line(text: str) -> str:
    """One line, so that nobody's name can forge another event."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )[:254]


@dataclass(frozen=True)
class Filter:
    """Which events. `about` are whole subjects, `text` a part of one; days are in UTC, both included."""

    about: tuple[str, ...] = ()
    text: str = ""
    who: str = ""
    actions: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None


EVERYTHING = Filter()


def recent(
    scope: Scope, wanted: Filter = EVERYTHING, *, before: int | None = None, limit: int = PAGE
) -> list[AuditEvent]:
    """The organization's events, newest first, older than the event `before`.

    Where the scope is in no organization: those of all, and those of none.
    """
    return _rows(scope, wanted, limit, true() if before is None else AuditEvent.id < before)


def _rows(
    scope: Scope, wanted: Filter, limit: int, beside: ColumnElement[bool], *, rises: bool = False
) -> list[AuditEvent]:
    """Each kind of action is looked for by itself where an index has it: a rare one is found as soon as
    a common one."""
    order = [column.element.asc() if rises else column for column in _newest_first(scope, wanted)]
    query = _query(scope, wanted).where(beside)
    if scope.found and wanted.actions and not wanted.about:
        each = (_query(scope, replace(wanted, actions=(action,))) for action in wanted.actions)
        some = (
            one.with_only_columns(AuditEvent.id).where(beside).order_by(*order).limit(limit) for one in each
        )
        ids = union_all(*(select(one.subquery().c.id) for one in some))
        query = select(AuditEvent).where(AuditEvent.id.in_(ids))
    return list(scope.session.scalars(query.order_by(*order).limit(limit)))


def about(scope: Scope, *subjects: str, actions: tuple[str, ...] = (), limit: int = 5) -> list[AuditEvent]:
    """The last events about one thing, under whatever names it has."""
    return recent(scope, Filter(about=subjects, actions=actions), limit=limit)


@dataclass(frozen=True)
class Page:
    """Some events, newest first. `newer` and `older` are where the pages beside it begin, where there are."""

    events: list[AuditEvent]
    newer: int | None
    older: int | None


def page(
    scope: Scope, wanted: Filter = EVERYTHING, *, before: int | None = None, after: int | None = None
) -> Page:
    """The newest events, or those next to an event in either direction."""
    if after is not None and (found := _page_after(scope, wanted, after)):
        return found
    events = recent(scope, wanted, before=None if after is not None else before, limit=PAGE + 1)
    shown = events[:PAGE]
    newer = shown[0].id if shown and before is not None else None
    return Page(shown, newer, shown[-1].id if len(events) > PAGE else None)


def _page_after(scope: Scope, wanted: Filter, after: int) -> Page | None:
    """None where all that is newer fits on the first page."""
    events = _rows(scope, wanted, PAGE + 1, AuditEvent.id > after, rises=True)
    if len(events) <= PAGE:
        return None
    shown = events[PAGE - 1 :: -1]
    return Page(shown, shown[0].id, shown[-1].id)


def walk(scope: Scope, wanted: Filter) -> Iterator[AuditEvent]:
    """Every event that is wanted, newest first, some at a time: no transaction stays open meanwhile."""
    last = None
    while events := recent(scope, wanted, before=last, limit=TOGETHER):
        scope.session.expunge_all()
        scope.let_go()
        yield from events
        last = events[-1].id


def _newest_first(scope: Scope, wanted: Filter) -> tuple[UnaryExpression[Any], ...]:
    """What is about a few things is found by them and then put in order, not found along the order."""
    if wanted.about:
        return ((AuditEvent.id + 0).desc(),)
    return chain.NEWEST_FIRST if scope.found and not wanted.actions else (AuditEvent.id.desc(),)


def _query(scope: Scope, wanted: Filter) -> Select[AuditEvent]:
    query = select(AuditEvent)
    if scope.found:
        own = scope.found.id
        is_led = wanted.about or wanted.actions
        query = query.where(AuditEvent.organization_id == own if is_led else chain.of(own))
    if wanted.about:
        query = query.where(AuditEvent.subject.in_(wanted.about))
    if wanted.text:
        query = query.where(scope.contains(AuditEvent.subject, wanted.text))
    if wanted.who:
        query = query.where(scope.contains(AuditEvent.actor_name, wanted.who))
    if wanted.actions:
        query = query.where(AuditEvent.action.in_(wanted.actions))
    if wanted.since:
        query = query.where(AuditEvent.at >= datetime.combine(wanted.since, time.min))
    if wanted.until:
        query = query.where(AuditEvent.at <= datetime.combine(wanted.until, time.max))
    return query


def note_export(scope: Scope, form: str, asked: Mapping[str, str]) -> None:
    """Who takes a copy of the audit along, and of what part of it."""
    with scope.transaction(lock=False):
        told = {"format": [None, form]} | {name: [None, value] for name, value in asked.items()}
        note(scope, "audit.exported", "audit", told)


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What differs, as `record` wants it."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


def reasoned(reason: str | None) -> dict[str, list[Any]]:
    """Why somebody did it, as `record` wants it beside what changed."""
    return {"reason": [None, reason]} if reason else {}
