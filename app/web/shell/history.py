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
    """The last events about one thing, the address of all of them, and of the page that undoes each."""

    events: list[AuditEvent]
    page: search.AuditPage
    address: str
    undoable: dict[int, str]

    def changes(self, event: AuditEvent) -> Changes:
        """Returns what an event changed; empty for a new endpoint, whose values are on the page."""
        return {} if event.action == Action.ENDPOINT_CREATED else self.page.changes(event)


def history(scope: Scope, *subjects: str, kind: str = "") -> History:
    """Returns the history of the audit's `subjects`, limited to events of `kind` if that is set."""
    page = search.history(scope, *subjects, actions=actions.for_filter(kind), limit=2 * SHOWN)
    return _history(scope, page, _table(about=subjects, action=kind or None))


def own_history(scope: Scope) -> History:
    """Returns the history of the organization itself.

    The link to all of its events filters by their kind, because its name may have been another one.
    """
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
    """Yields the events, newest first, without the starts of changes whose outcome is there."""
    finished = set()
    for event in events:
        label = event.changes.get("change", (None, actions.label_of(event.action)))[1]
        if event.action != Action.CHANGE_STARTED:
            finished.add((event.subject, label))
        elif (event.subject, label) in finished:
            finished.remove((event.subject, label))
            continue
        yield event


def _table(**query: Any) -> str:
    return url_for("audit.table", **query)


UNDO = Markup('{} <a href="{}" data-dialog>Undo…</a>')
UNDO_IN_PLACE = Markup('{} <a href="{}" hx-post="{}" hx-target="#{}" hx-swap="outerHTML" data-undo>Undo</a>')


def flash_undo(text: str, event_id: int | None) -> None:
    """Flashes the result of a change, with a link to undo it if there is an event."""
    if event_id is None:
        flash(text, "ok")
    else:
        flash(UNDO.format(text, url_for("audit_events.confirm_undo", event_id=event_id)), "ok")


def flash_undo_in_place(text: str, event_id: int | None, address: str, target: str) -> None:
    """Flashes the result with a button that undoes it: `address` returns the part `target`."""
    if event_id is None:
        flash(text, "ok")
    else:
        page = url_for("audit_events.confirm_undo", event_id=event_id)
        flash(UNDO_IN_PLACE.format(text, page, address, target), "ok")
