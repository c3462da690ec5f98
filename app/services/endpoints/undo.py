"""Undoes a change of endpoints: each number that still has the values of the change is restored.

An event records each number's values before the change. A deleted endpoint is created again, an imported
one deleted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from app.core.errors import Conflict
from app.models import AuditEvent, Endpoint
from app.services import sql
from app.services.audit import actions, log
from app.services.audit import numbers as audit_numbers
from app.services.audit.actions import Action, Trait
from app.services.audit.numbers import Changes
from app.services.drift import queue
from app.services.endpoints import messages, readiness
from app.services.endpoints.bulk import Done, change_each, named, summed
from app.services.endpoints.fields import FIELDS, RESTORABLE_FIELDS, WEBHOOK_FIELDS
from app.services.endpoints.readiness import DIRECTIONS
from app.services.scope import Scope

NUMBERS_PER_QUERY = 20_000
_DEFAULTS = {field.name: field.default for field in FIELDS if field.name in RESTORABLE_FIELDS}

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """The undoing of one number: the values `then` replace the values `now`. None means no endpoint.

    `stops`: the directions in which it takes a live number down.
    """

    number: str
    endpoint_id: str | None
    now: Values | None
    then: Values | None
    stops: Sequence[str] = ()

    @property
    def changes(self) -> dict[str, list[Any]]:
        now, then = self.now or {}, self.then or {}
        return log.diff(now, dict.fromkeys(now) | dict(then))


@dataclass(frozen=True)
class Plan:
    """The effect of undoing an event. `skipped` numbers have changed since, and stay as they are."""

    event: AuditEvent
    steps: list[Step] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def changed(self) -> list[Step]:
        return [step for step in self.steps if step.now is not None and step.then is not None]

    @property
    def created(self) -> list[Step]:
        return [step for step in self.steps if step.now is None]

    @property
    def deleted(self) -> list[Step]:
        return [step for step in self.steps if step.then is None]

    @property
    def numbers(self) -> list[str]:
        return [step.number for step in self.steps]

    @property
    def count(self) -> int:
        return len(self.steps)

    @property
    def stopped(self) -> dict[str, int]:
        """How many live numbers it takes down, by direction."""
        return {name: sum(name in step.stops for step in self.steps) for name in DIRECTIONS}

    @property
    def values(self) -> dict[str, tuple[str, str]]:
        """The counted values of changed endpoints, by field: now, and after undoing."""
        pairs: dict[str, list[Sequence[Any]]] = {}
        for step in self.changed:
            for name, pair in step.changes.items():
                pairs.setdefault(name, []).append(pair)
        return {
            name: (summed(now for now, _ in each), summed(then for _, then in each))
            for name, each in pairs.items()
        }


def can(event: AuditEvent) -> bool:
    """Whether the event is of an undoable kind, and records the values before."""
    if not actions.has(event.action, Trait.UNDOABLE):
        return False
    return event.numbers_digest is not None or not actions.has(event.action, Trait.BULK)


def get(scope: Scope, event_id: int) -> AuditEvent:
    """Returns the organization's event. Raises NotFound."""
    return scope.get(AuditEvent, event_id, what="event")


def touched(scope: Scope, event: AuditEvent) -> Iterator[tuple[str, Changes]]:
    """Yields each number that the event changed, with its changes."""
    if event.numbers_digest is not None:
        return audit_numbers.of_event(scope.session, event.id)
    own = {name: pair for name, pair in event.changes.items() if name in RESTORABLE_FIELDS}
    return iter([] if actions.has(event.action, Trait.BULK) else [(event.subject, own)])


def plan(scope: Scope, event_id: int) -> Plan:
    """Returns the effect of undoing the event now. Raises NotFound, or Conflict if it cannot be undone."""
    event = get(scope, event_id)
    if not can(event):
        raise Conflict(messages.CANNOT_UNDO, code="CANNOT_UNDO")
    planned, changes = Plan(event), dict(touched(scope, event))
    stored, rule = _stored(scope, list(changes)), readiness.load(scope)
    for number, change in changes.items():
        row = stored.get(number)
        step = _step(scope, number, change, row)
        if step:
            planned.steps.append(replace(step, stops=rule.stopped_by(row, step.then)) if row else step)
        else:
            planned.skipped.append(number)
    return planned


def _stored(scope: Scope, numbers: Sequence[str]) -> dict[str, Any]:
    """Returns the endpoints of any organization by number, which has at most one."""
    columns = [Endpoint.phone_number, Endpoint.organization_id, Endpoint.id]
    query = select(*columns, *(getattr(Endpoint, name) for name in RESTORABLE_FIELDS))
    parts = (numbers[at : at + NUMBERS_PER_QUERY] for at in range(0, len(numbers), NUMBERS_PER_QUERY))
    return {
        row.phone_number: row
        for part in parts
        for row in scope.session.execute(query.where(sql.in_list(scope, Endpoint.phone_number, part)))
    }


def _step(scope: Scope, number: str, changes: Changes, row: Any) -> Step | None:
    """Returns the step for a number if its stored values are those of the change; None to skip it."""
    then, now = _values_at(changes, 0), _values_at(changes, 1)
    if now is None or row is None:
        is_same = now is None and row is None
    else:
        is_ours = row.organization_id == scope.organization.id
        is_same = is_ours and bool(now) and all(getattr(row, name) == now[name] for name in now)
    return Step(number, row and row.id, now, then) if is_same else None


def _values_at(changes: Changes, side: int) -> Values | None:
    """Returns the values before (0) or after (1) a change; None if there was no endpoint.

    `provider` is only in the changes of an endpoint that was created or deleted.
    """
    values = {name: pair[side] for name, pair in changes.items() if name in RESTORABLE_FIELDS}
    if "provider" not in values:
        return values
    return None if values["provider"] is None else _DEFAULTS | values


def undo(
    scope: Scope,
    event_id: int,
    *,
    expected_count: int | None,
    stopped: Mapping[str, int] | None = None,
    reason: str | None = None,
) -> Done:
    """Applies the plan. `expected_count` is the count of endpoints that the confirmation showed.

    `stopped` is how many live numbers it would take down, as shown. Raises the errors of `plan`; Conflict
    if the count differs or more numbers are live now, or if nothing is left to undo.
    """
    try:
        with scope.transaction():
            planned = plan(scope, event_id)
            _expect_confirmed(planned, expected_count, stopped or {})
            _write(scope, planned)
            event = _record(scope, planned, reason)
    except IntegrityError:
        raise Conflict(messages.NUMBER_JUST_CLAIMED, code="NUMBER_IN_USE") from None
    event_id = event.id
    scope.session.expire_all()
    return Done(planned.count, event_id)


def _expect_confirmed(planned: Plan, expected_count: int | None, stopped: Mapping[str, int]) -> None:
    if not planned.count:
        raise Conflict(messages.NOTHING_TO_UNDO, code="CHANGED_SINCE")
    if planned.count != expected_count:
        raise Conflict(messages.selection_changed(planned.count, expected_count), code="SELECTION_CHANGED")
    if any(count > stopped.get(name, 0) for name, count in planned.stopped.items()):
        raise Conflict(messages.STOPS_LIVE_NUMBERS, code="STOPS_LIVE_NUMBERS")


def _write(scope: Scope, planned: Plan) -> None:
    """Writes the steps. Raises IntegrityError if a number is claimed at the same time."""
    scope.require_transaction()
    connection = scope.session.connection()
    change_each(scope, ((str(step.endpoint_id), step.then or {}) for step in planned.changed))
    if deleted := planned.deleted:
        statement = delete(Endpoint).where(Endpoint.id == bindparam("row_id"))
        connection.execute(statement, [{"row_id": step.endpoint_id} for step in deleted])
    if created := planned.created:
        own = {"organization_id": scope.organization.id}
        rows = [own | {"phone_number": step.number} | dict(step.then or {}) for step in created]
        connection.execute(insert(Endpoint), rows)
    called = WEBHOOK_FIELDS | {"provider"}
    if numbers := [step.number for step in planned.steps if step.changes.keys() & called]:
        queue.mark_due(scope, numbers)


def _record(scope: Scope, planned: Plan, reason: str | None) -> AuditEvent:
    about = {"undone": [None, f"{actions.label_of(planned.event.action)}, event {planned.event.id}"]}
    about |= log.reasoned(reason)
    steps = sorted(planned.steps, key=lambda step: step.number)
    if len(steps) == 1:
        return log.record(scope, Action.ENDPOINT_RESTORED, steps[0].number, steps[0].changes | about)
    about["numbers"] = [None, named([step.number for step in steps])]
    changes = [(step.number, step.changes) for step in steps]
    return log.record(scope, Action.ENDPOINTS_RESTORED, messages.counted(len(steps)), about, changes)
