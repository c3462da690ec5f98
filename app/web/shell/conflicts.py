"""Conflicts: what a stale form or confirmation shows, and which values it takes.

The form keeps what the user typed. A field that only the other user changed takes the stored value, so a
second save does not revert it. Both values are shown either way.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, g, make_response
from flask.typing import ResponseReturnValue
from htmx_flask import request
from wtforms import Field, PasswordField, SelectField, SelectMultipleField

from app.core.errors import Stale
from app.models import AuditEvent
from app.services.audit import actions, search
from app.services.audit.actions import Trait
from app.services.audit.numbers import Changes
from app.services.providers import active
from app.services.scope import Scope
from app.web.shell import messages
from app.web.shell.forms import CLEAR, Edit
from app.web.shell.guard import Pages

View = Callable[..., ResponseReturnValue]

LOOKED_BACK = 20
"""How many of the latest events are searched for the user who changed a field."""


@dataclass(frozen=True)
class Row:
    """One field: its stored value, the event that stored it, the typed value, and which of them the form has.

    `offered` is the id of the control that a button fills with `value`, the stored one.
    """

    label: str
    stored: str
    typed: str
    outcome: str
    by: AuditEvent | None = None
    offered: str = ""
    value: str = ""


@dataclass(frozen=True)
class Clash:
    """The differing fields, and the last change, which is shown if none of the form's own fields differs."""

    rows: list[Row]
    last: AuditEvent | None


def merge_with_stored(
    scope: Scope, form: Edit, fresh: Edit, subjects: Iterable[str], names: Iterable[str] | None = None
) -> Clash:
    """Returns the differences between a stale form and `fresh`, a form of the values stored now.

    Changes the form: it can be saved again, and has the stored value in each field that the user did not
    edit.
    """
    events = _events(scope, subjects)
    opened_with, now = form.opened_with, fresh.opened_with
    rows = []
    for name in names or now:
        field = form[name]
        difference = (
            _compare_secret(form, field, opened_with, now) if isinstance(field, PasswordField) else None
        )
        if not isinstance(field, PasswordField):
            difference = _compare_plain(field, fresh[name], opened_with.get(name))
        if difference:
            label, by = str(field.label.text), _changed_by(events, name)
            offered = _offered(field, fresh[name], difference[2])
            rows.append(
                Row(label, *difference, by if difference[2] != messages.CHANGED_BY_YOU else None, *offered)
            )
    form.version.data, form.seen.data = fresh.version.data, fresh.seen.data
    return Clash(rows, events[0][0] if events else None)


def _compare_plain(field: Field, fresh: Field, opened: str | None) -> tuple[str, str, str] | None:
    typed, stored = Edit.text_of(field), Edit.text_of(fresh)
    if typed == stored:
        return None
    shown = _display_text(field, typed)
    if opened is None:
        outcome = messages.CHANGED_BY_UNKNOWN
    elif typed == opened:
        field.data, outcome = fresh.data, messages.CHANGED_BY_THEM
    else:
        outcome = messages.CHANGED_BY_YOU if stored == opened else messages.CHANGED_BY_BOTH
    return _display_text(fresh, stored), shown, outcome


def _offered(field: Field, fresh: Field, outcome: str) -> tuple[str, str]:
    """Returns the control for the stored value, and the value; empty strings if there is none."""
    is_theirs = outcome in (messages.CHANGED_BY_BOTH, messages.CHANGED_BY_UNKNOWN)
    is_shown = not isinstance(field, PasswordField | SelectMultipleField)
    return (str(field.id), Edit.text_of(fresh)) if is_theirs and is_shown else ("", "")


def _display_text(field: Field, text: str) -> str:
    if isinstance(field, SelectField):
        choices: Any = field.choices
        return {str(choice.value): str(choice.label) for choice in choices}.get(text, text)
    return text


def _compare_secret(
    form: Edit, field: Field, opened_with: dict[str, str], now: dict[str, str]
) -> tuple[str, str, str] | None:
    """Returns which sides changed a secret, but never its value; None if neither did."""
    opened, stored = opened_with.get(field.name, now[field.name]), now[field.name]
    removes = bool(form[CLEAR + field.name].data)
    if stored == opened:
        return ("as it was", "a new value", messages.SECRET_CHANGED_BY_YOU) if field.data else None
    change = "removed" if not stored else "replaced" if opened else "set"
    if field.data:
        return change, "a new value", messages.SECRET_CHANGED_BY_BOTH
    outcome = messages.CHANGED_BY_BOTH if removes else messages.CHANGED_BY_THEM
    return change, "to be removed" if removes else "not changed", outcome


def _events(scope: Scope, subjects: Iterable[str]) -> list[tuple[AuditEvent, Changes]]:
    """Returns the changes of the audit's `subjects`, newest first, with their changed fields."""
    pages = [search.history(scope, name, limit=LOOKED_BACK) for name in subjects]
    events = [(event, page.changes(event)) for page in pages for event in page.rows]
    staling = [one for one in events if actions.has(one[0].action, Trait.STALES_FORMS)]
    return sorted(staling, key=lambda one: -one[0].id)


def _changed_by(events: Iterable[tuple[AuditEvent, Changes]], name: str) -> AuditEvent | None:
    return next((event for event, changes in events if name in changes), None)


def of_organization(scope: Scope) -> list[str]:
    return [scope.organization.name, *active.FAMILY_WORDS.values()]


def _subjects(scope: Scope, path: dict[str, Any]) -> Sequence[str]:
    """Returns the audit's names for the subjects of the request's path."""
    pages = current_app.blueprints[request.blueprint]
    declared = pages.subjects(scope, path) if isinstance(pages, Pages) and pages.subjects else ()
    return declared or of_organization(scope)


def reconfirm_when_stale(page: View, *subjects: str) -> Callable[[View], View]:
    """Returns a decorator that shows `page` again, with the last changes, if a view is stale.

    `subjects` are the audit's names for its subject if the path does not name them. htmx gets the error
    instead, and loads the part of the page again.
    """

    def declare(view: View) -> View:
        @functools.wraps(view)
        def run(scope: Scope, **path: Any) -> ResponseReturnValue:
            try:
                return view(scope, **path)
            except Stale:
                if request.htmx:
                    raise
                g.changed = _events(scope, subjects or _subjects(scope, path))[:3]
                answer: Response = make_response(page(scope, **path))
                answer.status_code = Stale.status
                return answer

        return run

    return declare
