"""Many endpoints changed or deleted at once: those that were ticked, or all that a filter shows.

Set-based: 100,000 rows take a few statements, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
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

from app.core import clock
from app.core.errors import Conflict, Invalid, Problem
from app.models import Endpoint
from app.providers import PROVIDERS
from app.services import audit, drift, endpoints, validation
from app.services.endpoints import CALLED_BY, EndpointEdit, Filter
from app.services.scope import Scope

TICKED_MOST = 1000
NAMED = 200
"""Numbers that the audit names."""
SHOWN = 10
AGENTS = ("inbound_agent_name", "outbound_agent_name")

_WORDS = {True: "yes", False: "no", None: "nobody"}


@dataclass(frozen=True)
class Selection:
    """Those with the ids; or, where there is a filter, all that it shows when they are changed."""

    ids: Sequence[str] = ()
    wanted: Filter | None = None

    def __bool__(self) -> bool:
        return bool(self.ids) or self.wanted is not None


@dataclass(frozen=True)
class Affected:
    """What a selection is now. `numbers` are the first few; agents are with how often, most first."""

    count: int
    numbers: list[str]
    active: int
    answered: int
    labelled: int
    inbound: list[tuple[str | None, int]]
    outbound: list[tuple[str | None, int]]


def affected(scope: Scope, selection: Selection) -> Affected:
    """All is counted in one statement, so that what is slow to find is found once."""
    query = _query(scope, selection)
    found = _found(query, selection)
    counts = [func.count(), *_counts(scope, found)]
    parts = [
        select(literal(""), null(), *counts).select_from(found),
        *(_ranked(found, name) for name in AGENTS),
    ]
    rows = scope.session.execute(union_all(*parts)).all()
    count, active, answered, labelled = next(row[2:] for row in rows if not row[0])
    inbound, outbound = (_ordered(row for row in rows if row[0] == name) for name in AGENTS)
    numbers = _numbers(scope, query.limit(SHOWN))
    return Affected(count, numbers, active, answered, labelled, inbound, outbound)


def _found(query: Select[Endpoint], selection: Selection) -> FromClause:
    """What is counted. Kept by the database meanwhile, unless an index has all that is asked of it."""
    names = ("provider", "is_active", "label", *AGENTS)
    columns = query.with_only_columns(*(getattr(Endpoint, name) for name in names))
    wanted = selection.wanted
    if wanted and (wanted.text or wanted.drifted):
        return columns.cte("found").prefix_with("MATERIALIZED")
    return columns.subquery("found")


def _counts(scope: Scope, found: FromClause) -> list[ColumnElement[int]]:
    """How many are active, are answered, have a label."""
    states, row = endpoints.telephony_states(scope), found.c
    ready = [key for key, state in states.items() if state.is_configured and state.enabled]
    answers = and_(row.is_active, row.inbound_agent_name.is_not(None), row.provider.in_(ready))
    return [
        func.count().filter(row.is_active),
        func.count().filter(answers if scope.organization.public_base_url else false()),
        func.count(row.label),
    ]


def _ranked(found: FromClause, name: str) -> Select[Any]:
    """The first few agents with how often, shaped as the counts are."""
    column = found.c[name]
    grouped = select(column.label("agent"), func.count().label("times")).group_by(column)
    some = grouped.order_by(func.count().desc(), column.nulls_last()).limit(SHOWN + 1).subquery()
    nothing = literal(0)
    return select(literal(name), some.c.agent, some.c.times, nothing, nothing, nothing)


def _ordered(rows: Iterable[Any]) -> list[tuple[str | None, int]]:
    return sorted(
        ((row[1], row[2]) for row in rows), key=lambda pair: (-pair[1], pair[0] is None, pair[0] or "")
    )


def change(scope: Scope, selection: Selection, sent: Any, *, seen: int | None) -> int:
    """Sets the same values for all; says how many rows were not so before, and raises their versions.

    `seen` is how many somebody was told that they are. Raises Invalid, Conflict where it is not so by now.
    """
    changes = validation.read(EndpointEdit, sent).model_dump(exclude_unset=True)
    with scope.transaction():
        query = _as_seen(scope, selection, seen)
        differs = [getattr(Endpoint, name).is_distinct_from(value) for name, value in changes.items()]
        query = query.where(or_(false(), *differs))
        numbers = _numbers(scope, query)
        before = {name: _before(scope, query, name) for name in changes}
        values = changes | {"version": Endpoint.version + 1, "updated_at": clock.now()}
        _run(scope, update(Endpoint).where(_where(query)).values(values))
        told = {name: [before[name], value] for name, value in changes.items()}
        _settle(scope, "endpoints.saved", selection, numbers, told, called=bool(changes.keys() & CALLED_BY))
    return _done(scope, numbers, called=bool(changes.keys() & CALLED_BY))


def remove(scope: Scope, selection: Selection, *, seen: int | None) -> int:
    """Deletes all of them; says how many. Raises Conflict as `change` does."""
    with scope.transaction():
        query = _as_seen(scope, selection, seen)
        numbers = _numbers(scope, query)
        names = ("provider", "inbound_agent_name", "outbound_agent_name")
        told = {name: [_before(scope, query, name), None] for name in names}
        _run(scope, delete(Endpoint).where(_where(query)))
        _settle(scope, "endpoints.deleted", selection, numbers, told, called=True)
    return _done(scope, numbers, called=False)


def words(wanted: Filter) -> str:
    """The filter, for people."""
    told = [f"“{wanted.text}” in number, label or agent"] if wanted.text else []
    if wanted.provider:
        known = PROVIDERS.get(wanted.provider)
        told.append(f"provider {known.label if known else wanted.provider}")
    told += [f"agent {wanted.agent}"] if wanted.agent else []
    told += [] if wanted.is_active is None else ["active" if wanted.is_active else "inactive"]
    told += ["drifted"] if wanted.drifted else []
    told += ["blocked"] if wanted.blocked else []
    return ", ".join(told)


def _query(scope: Scope, selection: Selection) -> Select[Endpoint]:
    if selection.wanted is not None:
        return endpoints.matching(scope, selection.wanted)
    if len(selection.ids) > TICKED_MOST:
        message = f"Tick at most {TICKED_MOST:,} endpoints, or select all that match a filter."
        raise Invalid([Problem("id", message)])
    return scope.select(Endpoint).where(Endpoint.id.in_([one for one in selection.ids if "\0" not in one]))


def _as_seen(scope: Scope, selection: Selection, seen: int | None) -> Select[Endpoint]:
    query = _query(scope, selection)
    count = scope.session.scalar(query.with_only_columns(func.count())) or 0
    if count != seen:
        before = "another number" if seen is None else f"{seen:,}"
        message = f"What you selected is {count:,} endpoints now, not {before}. Nothing was changed."
        raise Conflict(message, code="SELECTION_CHANGED")
    return query


def _where(query: Select[Endpoint]) -> ColumnElement[bool]:
    found = query.whereclause
    if found is None:
        raise RuntimeError("A change of every organization's rows is never meant.")
    return found


def _numbers(scope: Scope, query: Select[Endpoint]) -> list[str]:
    ordered = query.with_only_columns(Endpoint.phone_number).order_by(Endpoint.phone_number)
    return list(scope.session.scalars(ordered))


def _tallied(scope: Scope, query: Select[Endpoint], column: Any) -> list[tuple[Any, int]]:
    grouped = query.with_only_columns(column, func.count()).group_by(column)
    some = grouped.order_by(func.count().desc(), column.nulls_last()).limit(SHOWN + 1)
    return [(value, count) for value, count in scope.session.execute(some)]


def _before(scope: Scope, query: Select[Endpoint], name: str) -> str:
    """What the rows have, with how often: `Reception (12), nobody (3)`."""
    found = _tallied(scope, query, getattr(Endpoint, name))
    told = [f"{_WORDS.get(value, value)} ({count:,})" for value, count in found[:SHOWN]]
    return ", ".join(told) + (" and others" if len(found) > SHOWN else "")


def _run(scope: Scope, statement: Any) -> None:
    scope.session.execute(statement, execution_options={"synchronize_session": False})


def _settle(
    scope: Scope,
    action: str,
    selection: Selection,
    numbers: list[str],
    told: Mapping[str, Sequence[Any]],
    *,
    called: bool,
) -> None:
    """One event for all, and what was seen of them at their providers is void."""
    if not numbers:
        return
    chosen = "ticked" if selection.wanted is None else words(selection.wanted) or "all"
    more = len(numbers) - NAMED
    named = ", ".join(numbers[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
    subject = f"{len(numbers):,} {'endpoint' if len(numbers) == 1 else 'endpoints'}"
    audit.record(scope, action, subject, {**told, "selected": [None, chosen], "numbers": [None, named]})
    if called:
        drift.mark_due(scope, numbers)


def _done(scope: Scope, numbers: list[str], *, called: bool) -> int:
    scope.session.expire_all()
    if numbers and called:
        scope.check_soon(scope.organization.id)
    return len(numbers)
