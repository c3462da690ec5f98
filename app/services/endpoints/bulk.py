"""Changes or deletes many endpoints: selected rows, or all that match a filter.

The statements work on sets of rows: 100,000 rows take a few statements, in one transaction.
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
from app.models import AuditEvent, Endpoint, Verdict, VoicePhoneNumber
from app.services import sql, validation
from app.services.audit import log
from app.services.audit import numbers as audit_numbers
from app.services.audit.actions import Action
from app.services.audit.numbers import Changes
from app.services.drift import queue
from app.services.endpoints import healths, listing, messages, readiness
from app.services.endpoints.fields import (
    AGENTS,
    RESTORABLE_FIELDS,
    SEARCHED_WORDS,
    WEBHOOK_FIELDS,
    EndpointEdit,
)
from app.services.endpoints.listing import Filter
from app.services.scope import Scope

MAX_SELECTED = 1000
NAMED = 20
"""How many numbers the text of an event names; its own rows have all."""
SHOWN = 10
TEXTS = tuple(field.name for field in AGENTS)
"""The fields whose values are counted on the confirmation page."""

SUMMED = ("provider", *TEXTS)
"""The fields whose values the event of a deletion counts. Each number's own row has all values."""

_WORDS = {True: "yes", False: "no", None: "none"}


@dataclass(frozen=True)
class Selection:
    """A selection of endpoints: by ids, by a filter when it is applied, or by an audit event."""

    ids: Sequence[str] = ()
    filters: Filter | None = None
    event_id: int | None = None

    def __bool__(self) -> bool:
        return bool(self.ids) or self.filters is not None or self.event_id is not None


@dataclass(frozen=True)
class Affected:
    """The endpoints of a selection, counted. `rows` are the first few by number.

    `ready`: for inbound calls; `dialing`: for outbound ones; `healthy`: ready, and in sync at the provider
    when last read. `values` has the most frequent values of each field with their counts. `dialers` counts
    the users who have one of the numbers.
    """

    count: int
    rows: list[Endpoint]
    active: int
    ready: int
    dialing: int
    healthy: int
    labelled: int
    values: dict[str, list[tuple[str | None, int]]]
    dialers: int


def affected(scope: Scope, selection: Selection) -> Affected:
    """Counts the selection in one statement, so that a slow filter runs once."""
    query = selected(scope, selection)
    counted = _counted_columns(scope, query, selection)
    row = counted.c
    counts = [
        func.count(),
        func.count().filter(row.is_active),
        func.count().filter(row.is_ready),
        func.count().filter(row.can_dial),
        func.count().filter(row.is_ready, row.health == Verdict.HEALTHY),
        func.count(row.label),
    ]
    parts = [
        select(literal(""), null(), *counts).select_from(counted),
        *(_ranked(counted, name) for name in TEXTS),
    ]
    result = scope.session.execute(union_all(*parts)).all()
    count, active, ready, dialing, healthy, labelled = next(row[2:] for row in result if not row[0])
    values = {name: _ordered(row for row in result if row[0] == name) for name in TEXTS}
    rows = list(scope.session.scalars(query.order_by(Endpoint.phone_number).limit(SHOWN)))
    dialers = scope.session.scalar(_count_dialers(scope, query)) or 0
    return Affected(count, rows, active, ready, dialing, healthy, labelled, values, dialers)


def _counted_columns(scope: Scope, query: Select[Endpoint], selection: Selection) -> FromClause:
    """Returns the rows to count: materialized, unless an index covers the query."""
    names = ("is_active", "label", *TEXTS)
    rule = readiness.load(scope)
    states = (
        rule.is_ready.label("is_ready"),
        rule.can_dial.label("can_dial"),
        listing.health().label("health"),
    )
    columns = query.with_only_columns(*states, *(getattr(Endpoint, name) for name in names))
    filters = selection.filters
    if filters and (filters.text or filters.drifted):
        return columns.cte("selected").prefix_with("MATERIALIZED")
    return columns.subquery("selected")


def _ranked(selected: FromClause, name: str) -> Select[Any]:
    """Selects a field's most frequent values and counts, with the columns of the other counts."""
    column = selected.c[name]
    grouped = select(column.label("value"), func.count().label("times")).group_by(column)
    some = grouped.order_by(func.count().desc(), column.nulls_last()).limit(SHOWN + 1).subquery()
    return select(literal(name), some.c.value, some.c.times, *[literal(0)] * 5)


def _ordered(rows: Iterable[Any]) -> list[tuple[str | None, int]]:
    return sorted(
        ((row[1], row[2]) for row in rows), key=lambda pair: (-pair[1], pair[0] is None, pair[0] or "")
    )


def _count_dialers(scope: Scope, query: Select[Endpoint]) -> Select[int]:
    number = VoicePhoneNumber
    return select(func.count(number.user_id.distinct())).where(
        number.organization_id == scope.organization.id,
        number.phone_number.in_(query.with_only_columns(Endpoint.phone_number)),
    )


@dataclass(frozen=True)
class Done:
    """How many rows changed, and the id of the event that records it; None if no row changed."""

    count: int
    event_id: int | None = None


def change(
    scope: Scope, selection: Selection, payload: Any, *, expected_count: int | None, reason: str | None = None
) -> Done:
    """Sets the same values on all endpoints, and increments their versions.

    `expected_count` is the count that the confirmation showed. Raises Invalid; Conflict if the count differs
    now.
    """
    changes = validation.read(EndpointEdit, payload).model_dump(exclude_unset=True)
    called = bool(changes.keys() & WEBHOOK_FIELDS)
    with scope.transaction():
        query = _locked_selection(scope, selection, expected_count)
        differs = [getattr(Endpoint, name).is_distinct_from(value) for name, value in changes.items()]
        query = query.where(or_(false(), *differs))
        before = _Before(tuple(changes), _stored(scope, query, changes))
        values = changes | {"version": Endpoint.version + 1, "updated_at": clock.now()}
        sql.run(scope, update(Endpoint).where(_where_rows(scope, before)).values(values))
        event = _record(
            scope, Action.ENDPOINTS_SAVED, selection, before, changes, reason=reason, called=called
        )
    return _finish(scope, before, event)


def remove(
    scope: Scope, selection: Selection, *, expected_count: int | None, reason: str | None = None
) -> Done:
    """Deletes all of the endpoints. Raises Conflict as `change` does."""
    with scope.transaction():
        query = _locked_selection(scope, selection, expected_count)
        before = _Before(RESTORABLE_FIELDS, _stored(scope, query, RESTORABLE_FIELDS))
        sql.run(scope, delete(Endpoint).where(_where_rows(scope, before)))
        event = _record(scope, Action.ENDPOINTS_DELETED, selection, before, {}, reason=reason, called=True)
    return _finish(scope, before, event)


def check(scope: Scope, selection: Selection, *, expected_count: int | None) -> int:
    """Queues a check of each number at its provider. Returns how many. Raises Conflict as `change` does."""
    with scope.transaction():
        query = _locked_selection(scope, selection, expected_count)
        numbers = list(scope.session.scalars(query.with_only_columns(Endpoint.phone_number)))
        queue.mark_due(scope, numbers, changed=False)
        scope.on_commit(scope.queue_drift_check, scope.organization.id)
    return len(numbers)


def words(filters: Filter, shown: Callable[[str], str] = str) -> str:
    """Returns the filter in words, with the texts that the user entered passed through `shown`."""
    return messages.filter_words(
        text=shown(filters.text),
        searched=SEARCHED_WORDS,
        provider=filters.provider and providers.label(filters.provider),
        agent=filters.agent and shown(filters.agent),
        is_active=filters.is_active,
        healths=[choice.word for choice in healths.of_filter(filters)],
    )


def selected(scope: Scope, selection: Selection) -> Select[Endpoint]:
    """Selects the endpoints, unordered.

    Raises Invalid for too many ids, and NotFound for an unknown event.
    """
    if selection.event_id is not None:
        numbers = _numbers_of_event(scope, selection.event_id)
        return scope.select(Endpoint).where(sql.in_list(scope, Endpoint.phone_number, numbers))
    if selection.filters is not None:
        return listing.matching(scope, selection.filters)
    if len(selection.ids) > MAX_SELECTED:
        raise Invalid([Problem("id", messages.too_many_selected(MAX_SELECTED))])
    return scope.select(Endpoint).where(Endpoint.id.in_(selection.ids))


def _numbers_of_event(scope: Scope, event_id: int) -> list[str]:
    event = scope.get(AuditEvent, event_id, what="event")
    if event.numbers_digest is None:
        return [event.subject]
    return [number for number, _ in audit_numbers.of_event(scope.session, event.id)]


def _locked_selection(scope: Scope, selection: Selection, expected_count: int | None) -> Select[Endpoint]:
    query = selected(scope, selection)
    count = scope.session.scalar(query.with_only_columns(func.count())) or 0
    if count != expected_count:
        raise Conflict(messages.selection_changed(count, expected_count), code="SELECTION_CHANGED")
    return query


@dataclass(frozen=True)
class _Before:
    """Endpoints before a change: their numbers, each with the values of `names`."""

    names: tuple[str, ...]
    rows: Sequence[Any]

    @property
    def numbers(self) -> list[str]:
        return [row[0] for row in self.rows]

    def changes(self, after: Mapping[str, Any]) -> Iterator[tuple[str, Changes]]:
        """Yields each number with its changes."""
        for number, *before in self.rows:
            pairs = zip(self.names, before, strict=True)
            yield number, {name: [was, after.get(name)] for name, was in pairs if was != after.get(name)}

    def summed(self, name: str) -> str:
        """Returns the values with their counts: `Reception (12), none (3)`."""
        place = self.names.index(name) + 1
        return summed(row[place] for row in self.rows)


def summed(values: Iterable[Any]) -> str:
    """Returns values with their counts, the most frequent first."""
    counts = Counter(values)
    often = sorted(counts, key=lambda value: (-counts[value], value is None, value))
    words = [f"{_WORDS.get(value, value)} ({counts[value]:,})" for value in often[:SHOWN]]
    return ", ".join(words) + (" and others" if len(often) > SHOWN else "")


def _stored(scope: Scope, query: Select[Endpoint], names: Iterable[str]) -> Sequence[Any]:
    columns = [Endpoint.phone_number, *(getattr(Endpoint, name) for name in names)]
    return scope.session.execute(query.with_only_columns(*columns).order_by(Endpoint.phone_number)).all()


def _where_rows(scope: Scope, before: _Before) -> ColumnElement[bool]:
    """Returns the condition of the rows that were read, even those that no longer match."""
    own = Endpoint.organization_id == scope.organization.id
    return own & sql.in_list(scope, Endpoint.phone_number, before.numbers)


def _record(
    scope: Scope,
    action: Action,
    selection: Selection,
    before: _Before,
    after: Mapping[str, Any],
    *,
    reason: str | None,
    called: bool,
) -> AuditEvent | None:
    """Records one event for all, and queues checks if their webhooks change."""
    numbers = before.numbers
    if not numbers:
        return None
    chosen = "individual rows" if selection.filters is None else words(selection.filters) or "all"
    changes: dict[str, Any] = {name: [before.summed(name), after.get(name)] for name in after or SUMMED}
    changes |= log.reasoned(reason) | {"selected": [None, chosen], "numbers": [None, named(numbers)]}
    if called:
        queue.mark_due(scope, numbers)
    return log.record(scope, action, messages.counted(len(numbers)), changes, before.changes(after))


def named(numbers: Sequence[str]) -> str:
    """Returns the first few numbers, and how many more there are."""
    more = len(numbers) - NAMED
    return ", ".join(numbers[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def change_each(scope: Scope, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Sets each endpoint's own values, by id, with one statement for each set of columns."""
    scope.require_transaction()
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row_id, new in rows:
        alike[tuple(new)].append({f"new_{name}": new[name] for name in new} | {"row_id": row_id})
    for names, parameters in alike.items():
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        values |= {"version": Endpoint.version + 1, "updated_at": clock.now()}
        statement = update(Endpoint).where(Endpoint.id == bindparam("row_id")).values(values)
        scope.session.connection().execute(statement, parameters)


def _finish(scope: Scope, before: _Before, event: AuditEvent | None) -> Done:
    done = Done(len(before.rows), event.id if event else None)
    scope.session.expire_all()
    return done
