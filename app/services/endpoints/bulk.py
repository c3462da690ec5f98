"""Many endpoints changed or deleted at once: those that were ticked, or all that a filter shows.

Set-based: 100,000 rows take a few statements, in one transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    delete,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)

from app import providers
from app.core import clock
from app.core.errors import Conflict, Invalid, Problem
from app.models import AuditEvent, Endpoint, VoicePhoneNumber
from app.services import sql, validation
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.audit.numbers import Changes
from app.services.drift import queue
from app.services.endpoints import listing, readiness
from app.services.endpoints.fields import (
    BULK,
    RESTORABLE_FIELDS,
    SEARCHED_WORDS,
    WEBHOOK_FIELDS,
    EndpointEdit,
)
from app.services.endpoints.listing import Filter
from app.services.scope import Scope

TICKED_MOST = 1000
NAMED = 20
"""Numbers that the event itself names; beside it are all."""
SHOWN = 10
TEXTS = tuple(field.name for field in BULK if field.is_text)
"""Of these a selection's values are counted before they are changed."""

SUMMED = ("provider", *TEXTS)
"""Of what is deleted, what the event sums up; of each number it keeps all."""

_WORDS = {True: "yes", False: "no", None: "none"}


@dataclass(frozen=True)
class Selection:
    """Those with the ids; or, where there is a filter, all that it shows when they are changed."""

    ids: Sequence[str] = ()
    wanted: Filter | None = None

    def __bool__(self) -> bool:
        return bool(self.ids) or self.wanted is not None


@dataclass(frozen=True)
class Affected:
    """What a selection is now. `numbers` are the first few.

    `values` has by field the most frequent ones, each with how often; `dialers` are the people who have one
    of the numbers.
    """

    count: int
    numbers: list[str]
    active: int
    ready: int
    labelled: int
    values: dict[str, list[tuple[str | None, int]]]
    dialers: int


def affected(scope: Scope, selection: Selection) -> Affected:
    """All is counted in one statement, so that what is slow to find is found once."""
    query = _query(scope, selection)
    found = _found(scope, query, selection)
    row = found.c
    counts = [
        func.count(),
        func.count().filter(row.is_active),
        func.count().filter(row.is_ready),
        func.count(row.label),
    ]
    parts = [
        select(literal(""), null(), *counts).select_from(found),
        *(_ranked(found, name) for name in TEXTS),
    ]
    rows = scope.session.execute(union_all(*parts)).all()
    count, active, ready, labelled = next(row[2:] for row in rows if not row[0])
    values = {name: _ordered(row for row in rows if row[0] == name) for name in TEXTS}
    numbers = _numbers(scope, query.limit(SHOWN))
    dialers = scope.session.scalar(_holders(scope, query)) or 0
    return Affected(count, numbers, active, ready, labelled, values, dialers)


def _found(scope: Scope, query: Select[Endpoint], selection: Selection) -> FromClause:
    """What is counted. Kept by the database meanwhile, unless an index has all that is asked of it."""
    names = ("is_active", "label", *TEXTS)
    is_ready = readiness.load(scope).is_ready.label("is_ready")
    columns = query.with_only_columns(is_ready, *(getattr(Endpoint, name) for name in names))
    wanted = selection.wanted
    if wanted and (wanted.text or wanted.drifted):
        return columns.cte("found").prefix_with("MATERIALIZED")
    return columns.subquery("found")


def _ranked(found: FromClause, name: str) -> Select[Any]:
    """The first few values with how often, shaped as the counts are."""
    column = found.c[name]
    grouped = select(column.label("value"), func.count().label("times")).group_by(column)
    some = grouped.order_by(func.count().desc(), column.nulls_last()).limit(SHOWN + 1).subquery()
    nothing = literal(0)
    return select(literal(name), some.c.value, some.c.times, nothing, nothing, nothing)


def _ordered(rows: Iterable[Any]) -> list[tuple[str | None, int]]:
    return sorted(
        ((row[1], row[2]) for row in rows), key=lambda pair: (-pair[1], pair[0] is None, pair[0] or "")
    )


def _holders(scope: Scope, query: Select[Endpoint]) -> Select[int]:
    number = VoicePhoneNumber
    return select(func.count(number.user_id.distinct())).where(
        number.organization_id == scope.organization.id,
        number.phone_number.in_(query.with_only_columns(Endpoint.phone_number)),
    )


@dataclass(frozen=True)
class Done:
    """How many rows were not so before, and the event that tells of it; None where there were none."""

    count: int
    event_id: int | None = None


def change(
    scope: Scope, selection: Selection, sent: Any, *, seen: int | None, reason: str | None = None
) -> Done:
    """Sets the same values for all, and raises their versions.

    `seen` is how many somebody was told that they are. Raises Invalid, Conflict where it is not so by now.
    """
    changes = validation.read(EndpointEdit, sent).model_dump(exclude_unset=True)
    called = bool(changes.keys() & WEBHOOK_FIELDS)
    with scope.transaction():
        query = _locked_selection(scope, selection, seen)
        differs = [getattr(Endpoint, name).is_distinct_from(value) for name, value in changes.items()]
        query = query.where(or_(false(), *differs))
        found = _Before(tuple(changes), _stored(scope, query, changes))
        values = changes | {"version": Endpoint.version + 1, "updated_at": clock.now()}
        sql.run(scope, update(Endpoint).where(_where_rows(scope, found)).values(values))
        event = _record(
            scope, Action.ENDPOINTS_SAVED, selection, found, changes, reason=reason, called=called
        )
    return _done(scope, found, event)


def remove(scope: Scope, selection: Selection, *, seen: int | None, reason: str | None = None) -> Done:
    """Deletes all of them. Raises Conflict as `change` does."""
    with scope.transaction():
        query = _locked_selection(scope, selection, seen)
        found = _Before(RESTORABLE_FIELDS, _stored(scope, query, RESTORABLE_FIELDS))
        sql.run(scope, delete(Endpoint).where(_where_rows(scope, found)))
        event = _record(scope, Action.ENDPOINTS_DELETED, selection, found, {}, reason=reason, called=True)
    return _done(scope, found, event)


def words(wanted: Filter, shown: Callable[[str], str] = str) -> str:
    """The filter, for people, with what was typed as `shown` makes it."""
    told = [f"“{shown(wanted.text)}” in {SEARCHED_WORDS}"] if wanted.text else []
    if wanted.provider:
        told.append(f"provider {providers.label(wanted.provider)}")
    told += [f"agent {shown(wanted.agent)}"] if wanted.agent else []
    told += [] if wanted.is_active is None else ["active" if wanted.is_active else "inactive"]
    told += ["drifted"] if wanted.drifted else []
    told += ["blocked"] if wanted.blocked else []
    return ", ".join(told)


def _query(scope: Scope, selection: Selection) -> Select[Endpoint]:
    if selection.wanted is not None:
        return listing.matching(scope, selection.wanted)
    if len(selection.ids) > TICKED_MOST:
        message = f"Tick at most {TICKED_MOST:,} endpoints, or select all that match a filter."
        raise Invalid([Problem("id", message)])
    return scope.select(Endpoint).where(Endpoint.id.in_(selection.ids))


def _locked_selection(scope: Scope, selection: Selection, seen: int | None) -> Select[Endpoint]:
    query = _query(scope, selection)
    count = scope.session.scalar(query.with_only_columns(func.count())) or 0
    if count != seen:
        before = "another number" if seen is None else f"{seen:,}"
        message = f"What you selected is {count:,} endpoints now, not {before}. Nothing was changed."
        raise Conflict(message, code="SELECTION_CHANGED")
    return query


def _numbers(scope: Scope, query: Select[Endpoint]) -> list[str]:
    ordered = query.with_only_columns(Endpoint.phone_number).order_by(Endpoint.phone_number)
    return list(scope.session.scalars(ordered))


@dataclass(frozen=True)
class _Before:
    """What some endpoints have before they are changed: their numbers, each with the values of `names`."""

    names: tuple[str, ...]
    rows: Sequence[Any]

    @property
    def numbers(self) -> list[str]:
        return [row[0] for row in self.rows]

    def told(self, after: Mapping[str, Any]) -> Iterator[tuple[str, Changes]]:
        """What becomes of each number."""
        for number, *before in self.rows:
            pairs = zip(self.names, before, strict=True)
            yield number, {name: [was, after.get(name)] for name, was in pairs if was != after.get(name)}

    def summed(self, name: str) -> str:
        """What they have, with how often: `Reception (12), nobody (3)`."""
        place = self.names.index(name) + 1
        return summed(row[place] for row in self.rows)


def summed(values: Iterable[Any]) -> str:
    """The most frequent first."""
    counts = Counter(values)
    often = sorted(counts, key=lambda value: (-counts[value], value is None, value))
    told = [f"{_WORDS.get(value, value)} ({counts[value]:,})" for value in often[:SHOWN]]
    return ", ".join(told) + (" and others" if len(often) > SHOWN else "")


def _stored(scope: Scope, query: Select[Endpoint], names: Iterable[str]) -> Sequence[Any]:
    columns = [Endpoint.phone_number, *(getattr(Endpoint, name) for name in names)]
    return scope.session.execute(query.with_only_columns(*columns).order_by(Endpoint.phone_number)).all()


def _where_rows(scope: Scope, found: _Before) -> ColumnElement[bool]:
    """Those rows that were found, and no other that a filter shows by now."""
    own = Endpoint.organization_id == scope.organization.id
    return own & sql.in_list(scope, Endpoint.phone_number, found.numbers)


def _record(
    scope: Scope,
    action: Action,
    selection: Selection,
    found: _Before,
    after: Mapping[str, Any],
    *,
    reason: str | None,
    called: bool,
) -> AuditEvent | None:
    """One event for all, and what was seen of them at their providers is void."""
    numbers = found.numbers
    if not numbers:
        return None
    chosen = "ticked" if selection.wanted is None else words(selection.wanted) or "all"
    told: dict[str, Any] = {name: [found.summed(name), after.get(name)] for name in after or SUMMED}
    told |= log.reasoned(reason) | {"selected": [None, chosen], "numbers": [None, named(numbers)]}
    if called:
        queue.mark_due(scope, numbers)
    return log.record(scope, action, counted(len(numbers)), told, found.told(after))


def named(numbers: Sequence[str]) -> str:
    """As many as somebody would read."""
    more = len(numbers) - NAMED
    return ", ".join(numbers[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def change_each(scope: Scope, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Gives each endpoint, by its id, values of its own: one statement for all in which the same columns
    change.
    """
    scope.require_transaction()
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row_id, new in rows:
        alike[tuple(new)].append({f"new_{name}": new[name] for name in new} | {"row_id": row_id})
    for names, parameters in alike.items():
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        values |= {"version": Endpoint.version + 1, "updated_at": clock.now()}
        statement = update(Endpoint).where(Endpoint.id == bindparam("row_id")).values(values)
        scope.session.connection().execute(statement, parameters)


def counted(count: int) -> str:
    return f"{count:,} {'endpoint' if count == 1 else 'endpoints'}"


def _done(scope: Scope, found: _Before, event: AuditEvent | None) -> Done:
    done = Done(len(found.rows), event.id if event else None)
    scope.session.expire_all()
    return done
