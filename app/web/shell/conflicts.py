"""Conflicts: what a stale form or confirmation shows, and which values it takes.

What was typed stays in the form. Where only the other person changed a field, the form takes theirs,
so that saving again undoes nothing unintentionally; both values are shown either way.
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
"""So many events about the thing are searched for who changed a field."""


@dataclass(frozen=True)
class Row:
    """One field: what is stored now and who stored it, what was typed, and which of them the form has.

    `offered` is the id of the control that a button fills with `value`, theirs.
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
    """`last` is the last change, shown if none of the form's own fields differs."""

    rows: list[Row]
    last: AuditEvent | None


def merge_with_stored(
    scope: Scope, form: Edit, fresh: Edit, subjects: Iterable[str], names: Iterable[str] | None = None
) -> Clash:
    """What differs between a stale form and `fresh`, one of what is stored now.

    The form is changed: it can be saved again, and has their value in each field that the user did not edit.
    """
    events = _events(scope, subjects)
    seen, now = form.opened_with, fresh.opened_with
    rows = []
    for name in names or now:
        field = form[name]
        found = _secret(form, field, seen, now) if isinstance(field, PasswordField) else None
        if not isinstance(field, PasswordField):
            found = _plain(field, fresh[name], seen.get(name))
        if found:
            label, by = str(field.label.text), _who(events, name)
            theirs = _offered(field, fresh[name], found[2])
            rows.append(Row(label, *found, by if found[2] != messages.CHANGED_BY_YOU else None, *theirs))
    form.version.data, form.seen.data = fresh.version.data, fresh.seen.data
    return Clash(rows, events[0][0] if events else None)


def _plain(field: Field, fresh: Field, opened: str | None) -> tuple[str, str, str] | None:
    typed, stored = Edit.text_of(field), Edit.text_of(fresh)
    if typed == stored:
        return None
    shown = _words(field, typed)
    if opened is None:
        outcome = messages.CHANGED_BY_UNKNOWN
    elif typed == opened:
        field.data, outcome = fresh.data, messages.CHANGED_BY_THEM
    else:
        outcome = messages.CHANGED_BY_YOU if stored == opened else messages.CHANGED_BY_BOTH
    return _words(fresh, stored), shown, outcome


def _offered(field: Field, fresh: Field, outcome: str) -> tuple[str, str]:
    """The control that can take their value, and the value; nothing if the form has it, or it is secret."""
    is_theirs = outcome in (messages.CHANGED_BY_BOTH, messages.CHANGED_BY_UNKNOWN)
    is_shown = not isinstance(field, PasswordField | SelectMultipleField)
    return (str(field.id), Edit.text_of(fresh)) if is_theirs and is_shown else ("", "")


def _words(field: Field, text: str) -> str:
    if isinstance(field, SelectField):
        choices: Any = field.choices
        return {str(choice.value): str(choice.label) for choice in choices}.get(text, text)
    return text


def _secret(
    form: Edit, field: Field, seen: dict[str, str], now: dict[str, str]
) -> tuple[str, str, str] | None:
    """Never the value: whether it was replaced, and what was about to be done to it."""
    opened, stored = seen.get(field.name, now[field.name]), now[field.name]
    removes = bool(form[CLEAR + field.name].data)
    if stored == opened:
        return ("as it was", "a new value", messages.SECRET_CHANGED_BY_YOU) if field.data else None
    theirs = "removed" if not stored else "replaced" if opened else "set"
    if field.data:
        return theirs, "a new value", messages.SECRET_CHANGED_BY_BOTH
    outcome = messages.CHANGED_BY_BOTH if removes else messages.CHANGED_BY_THEM
    return theirs, "to be removed" if removes else "not changed", outcome


def _events(scope: Scope, subjects: Iterable[str]) -> list[tuple[AuditEvent, Changes]]:
    """Changes of the things that have these names in the audit, newest first, with what each changed."""
    pages = [search.history(scope, name, limit=LOOKED_BACK) for name in subjects]
    found = [(event, page.changes(event)) for page in pages for event in page.rows]
    staling = [one for one in found if actions.has(one[0].action, Trait.STALES_FORMS)]
    return sorted(staling, key=lambda one: -one[0].id)


def _who(events: Iterable[tuple[AuditEvent, Changes]], name: str) -> AuditEvent | None:
    return next((event for event, changes in events if name in changes), None)


def of_organization(scope: Scope) -> list[str]:
    return [scope.organization.name, *active.FAMILY_WORDS.values()]


def _subjects(scope: Scope, path: dict[str, Any]) -> Sequence[str]:
    """Returns the audit's names for what the request's path is about."""
    pages = current_app.blueprints[request.blueprint]
    declared = pages.subjects(scope, path) if isinstance(pages, Pages) and pages.subjects else ()
    return declared or of_organization(scope)


def reconfirm_when_stale(page: View, *subjects: str) -> Callable[[View], View]:
    """Shows `page` as it is now, with what changed, if the view's confirmation is stale.

    `subjects` are the audit's names for it if the path does not say. htmx gets the error instead, and reads
    the part of the page again.
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
