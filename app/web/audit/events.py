"""One audit event: its changes by number, their export, and undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from app.core import csv_text, phone
from app.core.errors import Conflict
from app.models import AuditEvent
from app.services.audit import actions
from app.services.audit.numbers import Changes
from app.services.endpoints import undo as endpoints_undo
from app.services.endpoints.readiness import DIRECTIONS
from app.services.endpoints.undo import Plan
from app.services.providers.active import REASON_LONGEST
from app.services.scope import Scope
from app.web.audit import messages
from app.web.shell import actors, history, labels, render
from app.web.shell.forms import UndoForm
from app.web.shell.guard import Pages, Who
from app.web.shell.messages import restored

audit_events = Pages("audit_events", __name__)

SHOWN = 100


def _event_id(text: str) -> int:
    """Returns the event's id; -1, which no event has, if the text is not a number."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


def _name(scope: Scope, event_id: str) -> str:
    return actions.label_of(endpoints_undo.get(scope, _event_id(event_id)).action)


@audit_events.page("/o/<slug>/audit/<event_id>", who=Who.SUPERADMIN, title="Event", name=_name)
def show(scope: Scope, event_id: str) -> ResponseReturnValue:
    event = endpoints_undo.get(scope, _event_id(event_id))
    actors.prepare(scope, [event])
    numbers = list(islice(endpoints_undo.touched(scope, event), SHOWN + 1)) if event.numbers_digest else []
    return render.page(
        "audit/event.html",
        event=event,
        numbers=numbers[:SHOWN],
        is_cut=len(numbers) > SHOWN,
        can_undo=endpoints_undo.can(event),
    )


@audit_events.page("/o/<slug>/audit/<event_id>/numbers.csv", who=Who.SUPERADMIN)
def numbers(scope: Scope, event_id: str) -> ResponseReturnValue:
    """Exports every number of the event, before and after."""
    event = endpoints_undo.get(scope, _event_id(event_id))
    return render.file(
        scope, f"audit-{event.id}.csv", csv_text.lines(_rows(endpoints_undo.touched(scope, event)))
    )


def _rows(numbers: Iterator[tuple[str, Changes]]) -> Iterator[tuple[str, ...]]:
    yield ("phone_number", "field", "before", "after")
    for number, changes in numbers:
        for name, (before, after) in changes.items():
            yield (number, labels.field_label(name), actions.value_text(before), actions.value_text(after))


@audit_events.page("/o/<slug>/audit/<event_id>/undo", who=Who.SUPERADMIN, title="Undo")
def confirm_undo(scope: Scope, event_id: str) -> ResponseReturnValue:
    """Shows which endpoints would be restored, and which would not."""
    plan = endpoints_undo.plan(scope, _event_id(event_id))
    actors.prepare(scope, [plan.event])
    return _confirm(plan, UndoForm(reason=_reason(plan.event)))


def _reason(event: AuditEvent) -> str:
    why = event.changes.get("reason", [None, None])[1]
    return messages.undo_of(why, event.id)[:REASON_LONGEST]


def _confirm(plan: Plan, form: UndoForm, status: int = 200, problem: str = "") -> Response:
    form.count.data = str(plan.count)
    form.inbound.data, form.outbound.data = (str(plan.stopped[name]) for name in DIRECTIONS)
    return render.page(
        "audit/undo.html",
        status,
        event=plan.event,
        plan=plan,
        form=form,
        problem=problem,
        shown=[phone.display(number) for number in plan.numbers[:10]],
        skipped_numbers=[phone.display(number) for number in plan.skipped[:10]],
    )


@audit_events.page("/o/<slug>/audit/<event_id>/undo", who=Who.SUPERADMIN, methods=["POST"])
def undo(scope: Scope, event_id: str) -> ResponseReturnValue:
    form, at = UndoForm(), _event_id(event_id)
    try:
        done = endpoints_undo.undo(scope, at, expected_count=form.seen, stopped=form.stopped, reason=form.why)
    except Conflict as error:
        return _confirm(endpoints_undo.plan(scope, at), form, error.status, error.message)
    history.flash_undo(restored(done.count), done.event_id)
    return render.redirect_to(url_for("audit_events.show", event_id=done.event_id))
