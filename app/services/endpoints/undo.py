"""Taking a change of endpoints back: what it changed is put back where nobody changed it again since.

An event knows of each number what was before. A deleted endpoint comes back, and one that was imported goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from app.services.endpoints.bulk import Done, change_each, counted, named, summed
from app.services.endpoints.fields import BY_NAME, RESTORABLE_FIELDS, WEBHOOK_FIELDS
from app.services.scope import Scope

MANY = 20_000
"""Numbers in one question to the database."""


@dataclass(frozen=True)
class Plan:
    """What undoing an event would do: put values back, bring endpoints back, remove what it added.

    `skipped` were changed again since, or are in use elsewhere, and stay as they are.
    """

    event: AuditEvent
    changed: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    deleted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    added: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> list[str]:
        return [number for number, _ in self.told]

    @property
    def told(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What undoing does to each number."""
        for number, _, changes in self.changed:
            yield number, changes
        for number, values in self.deleted:
            yield number, {name: [None, value] for name, value in values.items() if value is not None}
        for number, _, values in self.added:
            yield number, {name: [value, None] for name, value in values.items() if value is not None}

    @property
    def count(self) -> int:
        return len(self.numbers)

    @property
    def values(self) -> dict[str, tuple[str, str]]:
        """By field what those that are changed have now, and afterwards, with how often."""
        found: dict[str, list[Sequence[Any]]] = {}
        for _, _, changes in self.changed:
            for name, pair in changes.items():
                found.setdefault(name, []).append(pair)
        return {
            name: (summed(now for now, _ in pairs), summed(then for _, then in pairs))
            for name, pairs in found.items()
        }


def can(event: AuditEvent) -> bool:
    """Whether the event is of a kind that can be undone, and knows what was before."""
    if not actions.has(event.action, Trait.UNDOABLE):
        return False
    return event.numbers_digest is not None or not actions.has(event.action, Trait.BULK)


def get(scope: Scope, event_id: int) -> AuditEvent:
    """The organization's event, or NotFound."""
    return scope.get(AuditEvent, event_id, what="event")


def touched(scope: Scope, event: AuditEvent) -> Iterator[tuple[str, Changes]]:
    """Each number that the event is about, with what it changed of it."""
    if event.numbers_digest is not None:
        return audit_numbers.of_event(scope.session, event.id)
    own = {name: pair for name, pair in event.changes.items() if name in RESTORABLE_FIELDS}
    return iter([] if actions.has(event.action, Trait.BULK) else [(event.subject, own)])


def plan(scope: Scope, event_id: int) -> Plan:
    """Raises NotFound; Conflict where the event is nothing that can be undone."""
    event = get(scope, event_id)
    if not can(event):
        raise Conflict("Patchbay does not know enough of this to undo it.", code="CANNOT_UNDO")
    found, wanted = Plan(event), dict(touched(scope, event))
    stored = _stored(scope, list(wanted))
    for number, changes in wanted.items():
        _classify(scope, found, number, changes, stored.get(number))
    return found


def _stored(scope: Scope, numbers: Sequence[str]) -> dict[str, Any]:
    """Endpoints by number, of whatever organization: a number is claimed once."""
    columns = [Endpoint.phone_number, Endpoint.organization_id, Endpoint.id]
    query = select(*columns, *(getattr(Endpoint, name) for name in RESTORABLE_FIELDS))
    some = (numbers[at : at + MANY] for at in range(0, len(numbers), MANY))
    return {
        row.phone_number: row
        for these in some
        for row in scope.session.execute(query.where(sql.in_list(scope, Endpoint.phone_number, these)))
    }


def _classify(scope: Scope, found: Plan, number: str, changes: Changes, row: Any) -> None:
    """An endpoint's provider changes when it is made or deleted, and never else."""
    was, became = (
        {name: pair[side] for name, pair in changes.items() if name in RESTORABLE_FIELDS} for side in (0, 1)
    )
    is_ours = row is not None and row.organization_id == scope.organization.id
    if "provider" not in changes:
        is_so = is_ours and bool(was) and all(getattr(row, name) == became[name] for name in became)
        if is_so:
            found.changed.append((number, row.id, {name: [became[name], was[name]] for name in was}))
    elif became["provider"] is None:
        is_so = row is None
        if is_so:
            found.deleted.append((number, was))
    else:
        is_so = is_ours and all(getattr(row, name) == became.get(name) for name in RESTORABLE_FIELDS)
        if is_so:
            found.added.append((number, row.id, {name: became.get(name) for name in RESTORABLE_FIELDS}))
    if not is_so:
        found.skipped.append(number)


def undo(scope: Scope, event_id: int, *, seen: int | None, reason: str | None = None) -> Done:
    """Does what `plan` says. `seen` is how many endpoints somebody was told that it is about.

    Raises as `plan`; Conflict where it is not so by now, or where there is nothing left to undo.
    """
    try:
        with scope.transaction():
            found = plan(scope, event_id)
            _expect(found, seen)
            _write(scope, found)
            event = _record(scope, found, reason)
    except IntegrityError:
        raise Conflict("One of the numbers was claimed just now. Look again.", code="NUMBER_IN_USE") from None
    event_id = event.id
    scope.session.expire_all()
    return Done(found.count, event_id)


def _expect(found: Plan, seen: int | None) -> None:
    if not found.count:
        raise Conflict("There is nothing left to undo: all of it was changed since.", code="CHANGED_SINCE")
    if found.count != seen:
        before = "another number" if seen is None else f"{seen:,}"
        message = f"It is about {counted(found.count)} now, not {before}. Nothing was changed."
        raise Conflict(message, code="SELECTION_CHANGED")


def _write(scope: Scope, found: Plan) -> None:
    """IntegrityError where a number is taken in this moment."""
    scope.require_transaction()
    connection = scope.session.connection()
    own = {"organization_id": scope.organization.id}
    new = ((row_id, {name: then for name, (_, then) in told.items()}) for _, row_id, told in found.changed)
    change_each(scope, new)
    if found.added:
        gone = delete(Endpoint).where(Endpoint.id == bindparam("row_id"))
        connection.execute(gone, [{"row_id": row_id} for _, row_id, _ in found.added])
    empty = {name: BY_NAME[name].default for name in RESTORABLE_FIELDS}
    rows = [own | empty | {"phone_number": number} | values for number, values in found.deleted]
    if rows:
        connection.execute(insert(Endpoint), rows)
    if numbers := [number for number, told in found.told if told.keys() & (WEBHOOK_FIELDS | {"provider"})]:
        queue.mark_due(scope, numbers)


def _record(scope: Scope, found: Plan, reason: str | None) -> AuditEvent:
    about = {"undone": [None, f"{actions.label_of(found.event.action)}, event {found.event.id}"]}
    about |= log.reasoned(reason)
    numbers = sorted(found.told, key=lambda pair: pair[0])
    if len(numbers) == 1:
        ((number, told),) = numbers
        return log.record(scope, Action.ENDPOINT_RESTORED, number, dict(told) | about)
    named_ = {"numbers": [None, named([number for number, _ in numbers])]}
    return log.record(scope, Action.ENDPOINTS_RESTORED, counted(len(numbers)), about | named_, numbers)
