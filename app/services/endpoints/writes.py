"""Writes endpoints that are added and changed together: prepares them, then writes them in one transaction.

Preparing needs no lock: on SQLite, a transaction blocks all other writers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from app.core import clock
from app.models import AuditNumbers, Endpoint
from app.models.base import new_id
from app.services import progress, sql
from app.services.audit import log
from app.services.audit import numbers as audit_numbers
from app.services.audit.actions import Action
from app.services.drift import queue
from app.services.endpoints import bulk, messages
from app.services.endpoints.fields import WEBHOOK_FIELDS
from app.services.progress import OnProgress, ignore
from app.services.scope import Scope
from app.services.sql import Inserts


class Outcome(StrEnum):
    REFUSED = "refused"
    CHANGED = "changed"
    ADDED = "added"
    UNCHANGED = "unchanged"


class Planned(NamedTuple):
    """The plan of one row. For a changed endpoint, `before` and `values` have only the changed fields.

    `line` is the row's position in the submitted data. `endpoint_id` and `version` are those of the stored
    endpoint when the row was compared with it; `stops` are the directions in which it takes a live number
    down.
    """

    line: int
    number: str
    outcome: str
    values: dict[str, Any] = {}
    before: dict[str, Any] = {}
    endpoint_id: str | None = None
    version: int | None = None
    said: str = ""
    stops: list[str] = []


@dataclass(frozen=True)
class Writes:
    """Rows ready to be written. `called` are the numbers whose webhook URL changes."""

    inserts: Sequence[Inserts]
    changed: Sequence[Planned]
    called: Sequence[str]
    numbers: Sequence[AuditNumbers]


def prepare(
    scope: Scope, organization_id: str, plan: Sequence[Planned], on_progress: OnProgress = ignore
) -> Writes:
    """Returns the writes for `run`, without refused and unchanged rows. Reads nothing."""
    touched = sorted(
        (row for row in plan if row.outcome in (Outcome.ADDED, Outcome.CHANGED)), key=lambda row: row.number
    )
    added = [row for row in touched if row.outcome == Outcome.ADDED]
    numbers = ((row.number, log.diff(row.before, row.values)) for row in touched)
    return Writes(
        [
            sql.prepare_inserts(scope, Endpoint, (_new_row(organization_id, row) for row in some))
            for some in progress.batches(added, messages.PREPARING, on_progress)
        ],
        [row for row in touched if row.outcome == Outcome.CHANGED],
        [row.number for row in touched if row.values.keys() & WEBHOOK_FIELDS],
        audit_numbers.packed(organization_id, numbers),
    )


def _new_row(organization_id: str, row: Planned) -> dict[str, Any]:
    now = clock.now()
    own = {"id": new_id(), "organization_id": organization_id, "version": 1}
    return own | {"created_at": now, "updated_at": now} | row.values


def run(
    scope: Scope,
    writes: Writes,
    subject: str,
    changes: Mapping[str, Any],
    on_progress: OnProgress = ignore,
) -> None:
    """Writes all rows, and records one event, which is in the history of each number.

    Raises IntegrityError if a number is in use.
    """
    scope.require_transaction()
    done, total = 0, sum(len(inserts.rows) for inserts in writes.inserts)
    for inserts in writes.inserts:
        inserts.run(scope)
        done += len(inserts.rows)
        on_progress(messages.ADDING, done, total)
    for some in progress.batches(writes.changed, messages.CHANGING, on_progress):
        bulk.change_each(scope, ((str(row.endpoint_id), row.values) for row in some))
    on_progress(messages.FINISHING, 0, 0)
    log.record(scope, Action.ENDPOINTS_IMPORTED, subject, dict(changes), packed=writes.numbers)
    if writes.called:
        queue.mark_due(scope, writes.called)
