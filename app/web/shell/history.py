"""The history of one thing in the audit, with links to undo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import flash, url_for
from markupsafe import Markup

from app.models import AuditEvent
from app.services.audit import actions, search
from app.services.audit.actions import Action, Group
from app.services.audit.numbers import Changes
from app.services.endpoints import undo
from app.services.scope import Scope
from app.web.shell import actors

SHOWN = 5


@dataclass(frozen=True)
class History:
    """The last events about one thing, where all of them are, and where those that can be are undone."""

    events: list[AuditEvent]
    page: search.AuditPage
    address: str
    undoable: dict[int, str]

    def changes(self, event: AuditEvent) -> Changes:
        """Returns what an event changed; nothing of a new endpoint, whose values are beside the history."""
        return {} if event.action == Action.ENDPOINT_CREATED else self.page.changes(event)


def history(scope: Scope, *subjects: str, kind: str = "") -> History:
    """Returns the history of these subjects of the audit, of one kind if `kind` is given."""
    page = search.history(scope, *subjects, actions=actions.for_filter(kind), limit=2 * SHOWN)
    return _history(scope, page, _table(about=subjects, action=kind or None))


def own_history(scope: Scope) -> History:
    """Of the organization itself. All of them are found by their kind: its name may have been another one."""
    page = search.history(scope, scope.organization.name, limit=2 * SHOWN)
    return _history(scope, page, _table(action=Group.ORGANIZATION))


def _history(scope: Scope, page: search.AuditPage, address: str) -> History:
    events = list(_without_finished_starts(page.rows))[:SHOWN]
    actors.prepare(scope, events)
    undoable = {
        event.id: url_for("audit_events.confirm_undo", event_id=event.id)
        for event in events
        if undo.can(event)
    }
    return History(events, page, address, undoable)


def _without_finished_starts(events: list[AuditEvent]) -> Iterator[AuditEvent]:
    """Leaves out the start of each change whose outcome is there; `events` are newest first."""
    finished = set()
    for event in events:
        label = event.changes.get("change", (None, actions.label_of(event.action)))[1]
        if event.action != Action.CHANGE_STARTED:
            finished.add((event.subject, label))
        elif (event.subject, label) in finished:
            finished.remove((event.subject, label))
            continue
        yield event


def _table(**wanted: Any) -> str:
    return url_for("audit.table", **wanted)


UNDO = Markup('{} <a href="{}" data-dialog>Undo…</a>')
UNDO_IN_PLACE = Markup('{} <a href="{}" hx-post="{}" hx-target="#{}" hx-swap="outerHTML" data-undo>Undo</a>')


def flash_undo(text: str, event_id: int | None) -> None:
    """Flashes what was done, with a link to the page that undoes it if anything was done."""
    if event_id is None:
        flash(text, "ok")
    else:
        flash(UNDO.format(text, url_for("audit_events.confirm_undo", event_id=event_id)), "ok")


def flash_undo_in_place(text: str, event_id: int | None, address: str, target: str) -> None:
    """Flashes the same on a page where a click undoes it: `target` is the part that `address` renews."""
    if event_id is None:
        flash(text, "ok")
    else:
        page = url_for("audit_events.confirm_undo", event_id=event_id)
        flash(UNDO_IN_PLACE.format(text, page, address, target), "ok")
