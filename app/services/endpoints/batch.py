"""Creates and changes up to 1,000 endpoints in one request: all of them, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, SkipValidation
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from typing_extensions import TypeAliasType

from app.core.errors import Conflict, Invalid, NotFound, Problem, Stale
from app.models import Endpoint
from app.services import sql, validation
from app.services.audit import log
from app.services.endpoints import crud, listing, messages, proven, writes
from app.services.endpoints.fields import EDIT_FIXED, PROVEN_AT, EndpointDraft, EndpointEdit
from app.services.endpoints.writes import Outcome, Planned
from app.services.scope import Scope

MOST = 1000


class EndpointChange(EndpointEdit):  # type: ignore[misc, valid-type]
    """Changes of one endpoint. With `version`, they are made only if that is still its version."""

    fixed: ClassVar[Mapping[str, str]] = {
        name: sentence for name, sentence in EDIT_FIXED.items() if name not in ("id", "version")
    }

    id: validation.RowId
    version: int | None = None


_DraftOrChange = SkipValidation[EndpointDraft | EndpointChange]  # type: ignore[valid-type]
EndpointBatchItem = TypeAliasType("EndpointBatchItem", _DraftOrChange)
"""A named type, because generated clients name their types after it."""


class EndpointBatch(BaseModel):
    """New endpoints, and changes of existing ones, which have an `id`."""

    model_config = validation.STRICT

    endpoints: Annotated[
        list[EndpointBatchItem],
        Field(min_length=1, max_length=MOST),
    ]


@dataclass(frozen=True)
class Saved:
    """The saved endpoints, in the order of the request, and how many have each outcome.

    `proven` maps the ids of endpoints with a proven number to when it was proven.
    """

    counts: Mapping[str, int]
    rows: Sequence[Any]
    proven: Mapping[str, datetime]


@dataclass(frozen=True)
class _Row:
    """An EndpointDraft or EndpointChange of the request, with its read-only fields."""

    index: int
    draft: Any
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_change(self) -> bool:
        return isinstance(self.draft, EndpointChange)


def save(scope: Scope, payload: Any) -> Saved:
    """Creates the rows without an id, and changes those with one.

    Raises Invalid, NotFound, Stale and Conflict, which name the rows, and then changes nothing.
    """
    rows = _read(scope, payload)
    try:
        with scope.transaction():
            plan = _plan(scope, rows)
            _write(scope, plan)
            saved = _stored(scope, Endpoint.phone_number, [row.number for row in plan])
            times = proven.times_at_commit(scope, saved)
    except IntegrityError:
        _refuse_taken(scope, rows)
        raise Conflict(messages.NUMBER_JUST_CLAIMED, code="NUMBER_IN_USE") from None
    by_number = {row.phone_number: row for row in saved}
    return Saved(Counter(row.outcome for row in plan), [by_number[row.number] for row in plan], times)


def _read(scope: Scope, payload: Any) -> list[_Row]:
    """Returns the rows as models. Raises Invalid with all problems."""
    problems: list[Problem] = []
    rows: dict[str, _Row] = {}
    for index, row in enumerate(validation.read(EndpointBatch, payload).endpoints):
        key = "id" if isinstance(row, dict) and "id" in row else "phone_number"
        try:
            read = _read_row(scope, index, row, EndpointChange if key == "id" else EndpointDraft)
        except Invalid as error:
            problems += (_in_row(index, problem) for problem in error.problems)
            continue
        first = rows.setdefault(getattr(read.draft, key), read)
        if first is not read:
            problems.append(_in_row(index, Problem(key, messages.also_in_row(first.index))))
    _raise_if_any(problems)
    return list(rows.values())


def _read_row(scope: Scope, index: int, row: Any, model: Any) -> _Row:
    country = scope.organization.country
    if model is EndpointChange:
        return _Row(index, *validation.read_edit(model, row, country=country))
    return _Row(index, validation.read(model, row, country=country))


def _in_row(index: int, problem: Problem) -> Problem:
    field = "" if problem.field == "body" else f".{problem.field}"
    return Problem(f"endpoints.{index}{field}", problem.message)


def _raise_if_any(problems: Sequence[Problem]) -> None:
    if problems:
        raise Invalid(list(problems[: validation.MOST_PROBLEMS]))


def _plan(scope: Scope, rows: Sequence[_Row]) -> list[Planned]:
    """Compares the rows with the stored endpoints. Raises NotFound, Stale or Invalid."""
    changes = [row for row in rows if row.is_change]
    stored = {
        endpoint.id: endpoint for endpoint in _stored(scope, Endpoint.id, [row.draft.id for row in changes])
    }
    missing = [row.index for row in changes if row.draft.id not in stored]
    if missing:
        raise NotFound(messages.missing_rows(missing))
    stale = [row.index for row in changes if row.draft.version not in (None, stored[row.draft.id].version)]
    if stale:
        raise Stale(messages.stale_rows(stale))
    _expect_unchanged(scope, changes, stored)
    return [_change(row, stored[row.draft.id]) if row.is_change else _addition(row) for row in rows]


def _expect_unchanged(scope: Scope, changes: Sequence[_Row], stored: Mapping[str, Any]) -> None:
    base, problems = scope.organization.public_base_url, []
    for row in changes:
        try:
            current = listing.document(base, stored[row.draft.id])
            fixed = {name: value for name, value in row.fixed.items() if name != PROVEN_AT}
            validation.expect_unchanged(EndpointChange, fixed, current)
        except Invalid as error:
            problems += [_in_row(row.index, problem) for problem in error.problems]
    _raise_if_any(problems)


def _refuse_taken(scope: Scope, rows: Sequence[_Row]) -> None:
    """Raises Conflict for the first new number that has an endpoint in any organization."""
    numbers = [row.draft.phone_number for row in rows if not row.is_change]
    query = select(Endpoint.phone_number).where(sql.in_list(scope, Endpoint.phone_number, numbers))
    used = set(scope.session.scalars(query))
    for number in numbers:
        if number in used:
            raise crud.in_use(scope, number)


def _stored(scope: Scope, column: Any, values: Sequence[str]) -> Sequence[Any]:
    """Returns the organization's rows by id or number, as columns, which a commit does not expire."""
    query = scope.select(Endpoint).with_only_columns(*Endpoint.__table__.columns)
    return scope.session.execute(query.where(sql.in_list(scope, column, values))).all()


def _addition(row: _Row) -> Planned:
    values = row.draft.model_dump()
    return Planned(row.index, values["phone_number"], Outcome.ADDED, values)


def _change(row: _Row, stored: Any) -> Planned:
    changes = row.draft.model_dump(exclude_unset=True, exclude={"id", "version"})
    differs = log.diff({name: getattr(stored, name) for name in changes}, changes)
    outcome = Outcome.CHANGED if differs else Outcome.UNCHANGED
    before = {name: was for name, (was, _) in differs.items()}
    values = {name: value for name, (_, value) in differs.items()}
    return Planned(row.index, stored.phone_number, outcome, values, before, stored.id, stored.version)


def _write(scope: Scope, plan: Sequence[Planned]) -> None:
    counts = Counter(row.outcome for row in plan)
    if counts[Outcome.ADDED] or counts[Outcome.CHANGED]:
        totals = {str(outcome): [None, counts[outcome]] for outcome in Outcome if counts[outcome]}
        writes.run(scope, writes.prepare(scope, scope.organization.id, plan), messages.BY_API, totals)
