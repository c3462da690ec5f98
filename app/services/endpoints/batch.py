"""Creating and changing up to 1,000 endpoints in one request: all of them, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, SkipValidation
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core.errors import Conflict, Invalid, Problem, Stale
from app.models import Endpoint
from app.services import sql, validation
from app.services.audit import log
from app.services.endpoints import crud, messages, writes
from app.services.endpoints.fields import EndpointDraft, EndpointEdit
from app.services.endpoints.writes import Outcome, Planned
from app.services.scope import Scope

MOST = 1000


class EndpointChange(EndpointEdit):  # type: ignore[misc, valid-type]
    """Changes of one endpoint. With `version`, they are made only if that is still its version."""

    id: str
    version: int | None = None


class EndpointBatch(BaseModel):
    """New endpoints, and changes of existing ones, which have an `id`."""

    model_config = validation.STRICT

    endpoints: Annotated[
        list[SkipValidation[EndpointDraft | EndpointChange]],  # type: ignore[valid-type]
        Field(min_length=1, max_length=MOST),
    ]


@dataclass(frozen=True)
class Saved:
    """How many endpoints have each outcome, and all of them in the order of the request."""

    counts: Mapping[str, int]
    rows: Sequence[Any]


def save(scope: Scope, sent: Any) -> Saved:
    """Creates the rows without an id and changes those with one. Raises Invalid, Conflict, Stale."""
    drafts = _read(scope, sent)
    try:
        with scope.transaction():
            plan = _plan(scope, drafts)
            _write(scope, plan)
            rows = _stored(scope, Endpoint.phone_number, [row.number for row in plan])
    except IntegrityError:
        _refuse_taken(scope, drafts)
        raise Conflict(messages.NUMBER_JUST_CLAIMED, code="NUMBER_IN_USE") from None
    by_number = {row.phone_number: row for row in rows}
    return Saved(Counter(row.outcome for row in plan), [by_number[row.number] for row in plan])


def _read(scope: Scope, sent: Any) -> list[Any]:
    """Returns each row as an EndpointDraft or an EndpointChange. Raises Invalid with all that is wrong."""
    problems: list[Problem] = []
    drafts: dict[str, tuple[int, Any]] = {}
    for index, row in enumerate(validation.read(EndpointBatch, sent).endpoints):
        key = "id" if isinstance(row, dict) and "id" in row else "phone_number"
        try:
            model = EndpointChange if key == "id" else EndpointDraft
            draft = validation.read(model, row, country=scope.organization.country)
        except Invalid as error:
            problems += (_in_row(index, problem) for problem in error.problems)
            continue
        first, _ = drafts.setdefault(getattr(draft, key), (index, draft))
        if first != index:
            problems.append(_in_row(index, Problem(key, messages.also_in_row(first))))
    _raise(problems)
    return [draft for _, draft in drafts.values()]


def _in_row(index: int, problem: Problem) -> Problem:
    field = "" if problem.field == "body" else f".{problem.field}"
    return Problem(f"endpoints.{index}{field}", problem.message)


def _raise(problems: Sequence[Problem]) -> None:
    if problems:
        raise Invalid(list(problems[: validation.MOST_PROBLEMS]))


def _plan(scope: Scope, drafts: Sequence[Any]) -> list[Planned]:
    """Compares the rows with what is stored. Raises Invalid, Stale or Conflict if one cannot be saved."""
    _refuse_taken(scope, drafts)
    ids = [draft.id for draft in drafts if isinstance(draft, EndpointChange)]
    stored = {row.id: row for row in _stored(scope, Endpoint.id, ids)}
    changes = {index: draft for index, draft in enumerate(drafts) if isinstance(draft, EndpointChange)}
    missing = [index for index, draft in changes.items() if draft.id not in stored]
    _raise([_in_row(index, Problem("id", messages.NO_ENDPOINT)) for index in missing])
    stale = [
        index for index, draft in changes.items() if draft.version not in (None, stored[draft.id].version)
    ]
    if stale:
        raise Stale(messages.stale_rows(stale))
    return [
        _change(index, draft, stored[draft.id]) if index in changes else _addition(index, draft)
        for index, draft in enumerate(drafts)
    ]


def _refuse_taken(scope: Scope, drafts: Sequence[Any]) -> None:
    """Raises Conflict for the first new number that has an endpoint, here or in another organization."""
    numbers = [draft.phone_number for draft in drafts if not isinstance(draft, EndpointChange)]
    query = select(Endpoint.phone_number).where(sql.in_list(scope, Endpoint.phone_number, numbers))
    taken = set(scope.session.scalars(query))
    for number in numbers:
        if number in taken:
            raise crud.in_use(scope, number)


def _stored(scope: Scope, column: Any, values: Sequence[str]) -> Sequence[Any]:
    """Returns the organization's rows by id or number, as columns: a commit does not expire them."""
    query = scope.select(Endpoint).with_only_columns(*Endpoint.__table__.columns)
    return scope.session.execute(query.where(sql.in_list(scope, column, values))).all()


def _addition(index: int, draft: Any) -> Planned:
    values = draft.model_dump()
    return Planned(index, values["phone_number"], Outcome.ADDED, values)


def _change(index: int, draft: Any, stored: Any) -> Planned:
    sent = draft.model_dump(exclude_unset=True, exclude={"id", "version"})
    before = {name: getattr(stored, name) for name in sent}
    differs = log.diff(before, sent)
    outcome = Outcome.CHANGED if differs else Outcome.UNCHANGED
    values = {name: sent[name] for name in differs}
    before = {name: before[name] for name in differs}
    return Planned(index, stored.phone_number, outcome, values, before, stored.id, stored.version)


def _write(scope: Scope, plan: Sequence[Planned]) -> None:
    counts = Counter(row.outcome for row in plan)
    if counts[Outcome.ADDED] or counts[Outcome.CHANGED]:
        totals = {str(outcome): [None, counts[outcome]] for outcome in Outcome if counts[outcome]}
        writes.run(scope, writes.prepare(scope, scope.organization.id, plan), messages.BY_API, totals)
