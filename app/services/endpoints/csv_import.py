"""Imports endpoints from a file: a preview row by row, then all rows or none."""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.core import clock, csv_text, texts
from app.core.errors import Conflict, Invalid, NotFound
from app.models import AuditEvent, Endpoint, EndpointImport
from app.services import progress, validation
from app.services.audit import log, search
from app.services.audit.actions import Action
from app.services.endpoints import csv_format, messages, readiness, writes
from app.services.endpoints.csv_format import Row, Sheet, Table, text_of
from app.services.endpoints.fields import COLUMNS, EndpointEdit, NewEndpoint
from app.services.endpoints.readiness import DIRECTIONS, Readiness
from app.services.endpoints.writes import Outcome, Planned, Writes
from app.services.progress import OnProgress, ignore
from app.services.scope import Scope, expect_version

KEPT = timedelta(days=1)
"""How long a preview can be applied."""
SHOWN = 100
"""How many rows of each outcome a page shows; the report has all."""


PASTED = "Pasted rows"

_STORED = select(*(getattr(Endpoint, name) for name in ("organization_id", "id", "version", *COLUMNS)))


class _PreviewOutdated(Exception):
    """The stored endpoints differ from those of the preview, or more of them are live."""


def check(
    scope: Scope, table: Table, file_name: str = "", *, on_progress: OnProgress = ignore
) -> EndpointImport:
    """Saves a preview of importing the file."""
    country = scope.organization.country
    sheet = csv_format.read(table, country, on_progress)
    plan = _plan(scope, sheet, on_progress)
    on_progress(messages.SAVING_PREVIEW, 0, 0)
    with scope.transaction(lock=False):
        scope.session.execute(delete(EndpointImport).where(EndpointImport.created_at < clock.now() - KEPT))
        preview = EndpointImport(
            organization_id=scope.organization.id,
            actor_name=scope.actor.name,
            file_name=file_name[:200] or PASTED,
            country=country,
            shown=_shown(sheet, plan),
            plan=_pack(plan),
            source=zlib.compress(table.raw, 1),
        )
        scope.session.add(preview)
    return preview


def get(scope: Scope, import_id: str) -> EndpointImport:
    preview = scope.get(EndpointImport, import_id, what="import")
    if preview.created_at < clock.now() - KEPT:
        raise NotFound(messages.IMPORT_EXPIRED)
    return preview


def to_apply(scope: Scope, import_id: str, *, version: int | None = None) -> EndpointImport:
    """Returns the import if it can be applied.

    Raises Conflict if a row is refused or the import was already applied; Stale.
    """
    preview = get(scope, import_id)
    expect_version(preview, version)
    if preview.applied_at:
        raise Conflict(messages.IMPORT_APPLIED, code="APPLIED_ALREADY")
    if preview.shown["totals"][Outcome.REFUSED]:
        raise Conflict(messages.ROWS_REFUSED, code="ROWS_REFUSED")
    return preview


def apply(
    scope: Scope,
    import_id: str,
    *,
    reason: str | None = None,
    version: int | None = None,
    on_progress: OnProgress = ignore,
) -> EndpointImport:
    """Applies all rows in one transaction.

    If the data changed since the preview, applies nothing and returns a fresh preview (`applied_at` is
    None). Raises the errors of `to_apply`.
    """
    ready = _prepare(scope, to_apply(scope, import_id, version=version), on_progress)
    try:
        with scope.transaction():
            preview = to_apply(scope, import_id)
            expect_version(preview, ready.version)
            if preview.country != scope.organization.country or not _is_as_planned(
                scope, ready.stored, on_progress
            ):
                raise _PreviewOutdated
            _write(scope, preview, ready, reason, on_progress)
            preview.applied_at = clock.now()
    except (_PreviewOutdated, IntegrityError):
        return _check_again(scope, import_id, on_progress)
    return preview


def pasted(scope: Scope, import_id: str) -> str:
    """Returns the pasted rows of a preview; empty if it came from a file."""
    preview = get(scope, import_id)
    is_pasted = preview.file_name == PASTED
    return zlib.decompress(preview.source).decode(errors="replace") if is_pasted else ""


def _check_again(scope: Scope, import_id: str, on_progress: OnProgress) -> EndpointImport:
    """Saves a fresh preview of the same file."""
    preview = get(scope, import_id)
    before, country = _unpack(preview.plan), scope.organization.country
    sheet = csv_format.read(csv_format.open_table(zlib.decompress(preview.source)), country, on_progress)
    plan = _plan(scope, sheet, on_progress)
    with scope.transaction(lock=False):
        preview = get(scope, import_id)
        if preview.applied_at is None:
            preview.country, preview.plan = country, _pack(plan)
            preview.shown = _shown(sheet, plan) | _changed_results(before, plan)
    return preview


def event(scope: Scope, preview: EndpointImport) -> AuditEvent | None:
    """Returns the event of an applied import: the nearest in time among those with its file name."""
    applied_at = preview.applied_at
    if applied_at is None:
        return None
    page = search.history(scope, preview.file_name, actions=(Action.ENDPOINTS_IMPORTED,), limit=50)
    return min(page.rows, key=lambda row: abs(row.at - applied_at), default=None)


def report(scope: Scope, import_id: str) -> Iterator[bytes]:
    """Yields every row of the file with its result and the reason, as CSV."""
    plan = _unpack(get(scope, import_id).plan)
    header = ("line", "phone_number", "result", "details")
    return csv_text.lines(
        [header, *((str(row.line), row.number, row.outcome, _details(row)) for row in plan)]
    )


def _details(row: Planned) -> str:
    if row.outcome != Outcome.CHANGED:
        return row.said
    names = row.values
    values = {name: (text_of(row.before[name]), text_of(names[name])) for name in names}
    return "; ".join(f"{name}: {' → '.join(map(texts.bidi_isolate, pair))}" for name, pair in values.items())


def _pack(plan: Sequence[Planned]) -> bytes:
    return zlib.compress(json.dumps(plan, separators=(",", ":")).encode(), 1)


def _unpack(packed: bytes) -> list[Planned]:
    return [Planned(*row) for row in json.loads(zlib.decompress(packed))]


def _shown(sheet: Sheet, plan: Sequence[Planned]) -> dict[str, Any]:
    totals = Counter(row.outcome for row in plan)
    return {
        "totals": {str(outcome): totals[outcome] for outcome in Outcome},
        "notes": sheet.notes,
        "rows": {str(outcome): _first_rows(plan, outcome) for outcome in Outcome},
        "stopped": {name: sum(name in row.stops for row in plan) for name in DIRECTIONS},
    }


def _first_rows(plan: Iterable[Planned], outcome: Outcome) -> list[dict[str, Any]]:
    """Returns the first rows of an outcome. Rows that take a live number down come first."""
    rows = sorted((row for row in plan if row.outcome == outcome), key=lambda row: not row.stops)
    return [row._asdict() for row in rows[:SHOWN]] if outcome != Outcome.UNCHANGED else []


def _changed_results(before: Sequence[Planned], after: Sequence[Planned]) -> dict[str, Any]:
    """Returns the rows whose result differs from the preview."""
    moved = [
        {"line": now.line, "number": now.number, "was": was.outcome, "is": now.outcome, "said": _details(now)}
        for was, now in zip(before, after, strict=True)
        if was._replace(endpoint_id=None, version=None) != now._replace(endpoint_id=None, version=None)
    ]
    return {"moved": moved[:SHOWN], "moved_count": len(moved)}


def _plan(scope: Scope, sheet: Sheet, on_progress: OnProgress) -> list[Planned]:
    lines: dict[str, list[int]] = defaultdict(list)
    for row in sheet.rows:
        if not row.wrong:
            lines[row.number].append(row.line)
    plan: list[Planned] = []
    rule = readiness.load(scope)
    for some in progress.batches(sheet.rows, messages.COMPARING, on_progress):
        existing_by_number = _stored(scope, [row.number for row in some if not row.wrong])
        for row in some:
            stored = existing_by_number.get(row.number)
            planned = _plan_row(scope, row, lines[row.number], stored)
            plan.append(planned._replace(stops=_stopped_directions(rule, planned, stored)))
    return plan


def _stopped_directions(rule: Readiness, planned: Planned, stored: Any) -> list[str]:
    return rule.stopped_by(stored, planned.values) if planned.outcome == Outcome.CHANGED else []


def _stored(scope: Scope, numbers: Collection[str]) -> dict[str, Any]:
    """Returns the endpoints of any organization, by number."""
    rows = scope.session.execute(_STORED.where(Endpoint.phone_number.in_(numbers)))
    return {row.phone_number: row for row in rows}


def _plan_row(scope: Scope, row: Row, lines: Sequence[int], stored: Any) -> Planned:
    wrong = row.wrong
    if not wrong and len(lines) > 1:
        wrong = messages.repeated_number(line for line in lines[:10] if line != row.line)
    if not wrong and stored and stored.organization_id != scope.organization.id:
        wrong = messages.IN_USE
    if wrong:
        return Planned(row.line, row.number, Outcome.REFUSED, said=wrong)
    try:
        return _change(scope, row, stored) if stored else _addition(scope, row)
    except Invalid as error:
        problems = " ".join(
            messages.row_problem(problem.field, problem.message, row.submitted.get(problem.field))
            for problem in error.problems
        )
        return Planned(row.line, row.number, Outcome.REFUSED, said=problems)


def _addition(scope: Scope, row: Row) -> Planned:
    draft = validation.read(NewEndpoint, row.submitted, country=scope.organization.country)
    values = {"phone_number": row.number, **draft.model_dump()}
    return Planned(row.line, row.number, Outcome.ADDED, values)


def _change(scope: Scope, row: Row, stored: Any) -> Planned:
    """Plans the change of an endpoint. Fields without a column stay as they are."""
    changes = dict(row.submitted)
    if changes.get("provider") == stored.provider:
        del changes["provider"]
    draft = validation.read(EndpointEdit, changes, country=scope.organization.country)
    values = {
        name: value
        for name, value in draft.model_dump(exclude_unset=True).items()
        if text_of(value) != text_of(getattr(stored, name))
    }
    before = {name: getattr(stored, name) for name in values}
    outcome = Outcome.CHANGED if values else Outcome.UNCHANGED
    return Planned(row.line, row.number, outcome, values, before, stored.id, stored.version)


@dataclass(frozen=True)
class _Ready:
    """A plan with all work done that needs no lock. `stored` are the rows whose endpoint exists."""

    version: int
    stored: Sequence[Planned]
    writes: Writes


def _prepare(scope: Scope, preview: EndpointImport, on_progress: OnProgress) -> _Ready:
    plan, version, organization_id = _unpack(preview.plan), preview.version, scope.organization.id
    scope.end_read()
    plan.sort(key=lambda row: row.number)
    prepared = writes.prepare(scope, organization_id, plan, on_progress)
    return _Ready(version, [row for row in plan if row.endpoint_id], prepared)


def _is_as_planned(scope: Scope, stored: Sequence[Planned], on_progress: OnProgress) -> bool:
    """Whether each endpoint still has the same version, and no other live number is taken down.

    A new number that was claimed meanwhile raises IntegrityError later.
    """
    here, rule = scope.organization.id, readiness.load(scope)
    for some in progress.batches(stored, messages.CHECKING_FOR_CHANGES, on_progress):
        existing_by_number = _stored(scope, [row.number for row in some])
        versions = {
            number: (row.organization_id, row.id, row.version) for number, row in existing_by_number.items()
        }
        if versions != {row.number: (here, row.endpoint_id, row.version) for row in some}:
            return False
        if any(
            set(_stopped_directions(rule, row, existing_by_number[row.number])) - set(row.stops)
            for row in some
        ):
            return False
    return True


def _write(
    scope: Scope, preview: EndpointImport, ready: _Ready, reason: str | None, on_progress: OnProgress
) -> None:
    totals = {name: [None, count] for name, count in preview.shown["totals"].items() if count}
    writes.run(scope, ready.writes, preview.file_name, totals | log.reasoned(reason), on_progress)
