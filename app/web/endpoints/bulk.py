"""Bulk changes: a page shows what is selected before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.core import texts
from app.core.errors import Conflict, Invalid, Problem
from app.services.endpoints import bulk, listing
from app.services.endpoints.bulk import Done, Selection
from app.services.endpoints.fields import BULK, EndpointField
from app.services.scope import Scope
from app.web.endpoints import messages
from app.web.endpoints.forms import BulkForm
from app.web.endpoints.query import back, filter_from_request, query_string
from app.web.shell import render
from app.web.shell.forms import text_or_none
from app.web.shell.guard import Pages, Who
from app.web.shell.history import flash_undo

many_endpoints = Pages("many_endpoints", __name__)


@dataclass(frozen=True)
class BulkAction:
    """What a button does to all that are selected: sets `field`, or deletes them without one.

    `key` is its name in addresses; `value` is what it sets a bool to.
    """

    key: str
    verb: str
    field: EndpointField | None = None
    value: bool | None = None


def _actions() -> Iterator[BulkAction]:
    for field in sorted(BULK, key=lambda field: field.is_text):
        if field.is_text:
            yield BulkAction(field.name, f"Set {field.label.lower()}", field)
            continue
        for verb, value in zip(field.verbs, (True, False), strict=True):
            yield BulkAction(verb.lower(), verb, field, value)
    yield BulkAction("delete", "Delete")


ACTIONS = {action.key: action for action in _actions()}


@many_endpoints.page("/o/<slug>/endpoints/many", who=Who.SUPERADMIN, title="Change endpoints")
def confirm(scope: Scope) -> ResponseReturnValue:
    return _confirm(scope, BulkForm())


def _confirm(scope: Scope, form: BulkForm, status: int = 200, problem: str = "") -> Response:
    selection, action = _selection(), _action()
    found = bulk.affected(scope, selection) if selection and action else None
    form.count.data = str(found.count) if found else ""
    field = action.field if action and action.field and action.field.is_text else None
    if field:
        form.clear.label.text = f"Remove {field.label.lower()}"
    return render.page(
        "endpoints/many.html",
        status,
        form=form,
        action=action,
        field=form[field.name] if field else None,
        found=found,
        filter_words=bulk.words(selection.filters, texts.bidi_isolate) if selection.filters else "",
        is_all=selection.filters is not None,
        problem=problem,
        query=query_string(),
        address=request.full_path,
        agents=listing.agents(scope) if field else [],
    )


def _action() -> BulkAction | None:
    return ACTIONS.get(request.args.get("do", ""))


def _selection() -> Selection:
    """`all` selects everything that the filter of the same address shows."""
    if request.args.get("all") == "yes":
        return Selection(filters=filter_from_request())
    return Selection(ids=request.args.getlist("id"))


@many_endpoints.page("/o/<slug>/endpoints/many", who=Who.SUPERADMIN, methods=["POST"])
def apply(scope: Scope) -> ResponseReturnValue:
    form, selection, action = BulkForm(), _selection(), _action()
    if not selection or action is None:
        return _confirm(scope, form, 422)
    try:
        done = _apply(scope, selection, action, form)
    except Invalid as error:
        form.add_errors(error)
        return _confirm(scope, form, 422)
    except Conflict as error:
        return _confirm(scope, form, error.status, error.message)
    message = messages.bulk_changed(done.count, (form.seen or 0) - done.count)
    if action.field is None:
        message = messages.bulk_deleted(done.count)
    flash_undo(message, done.event_id)
    return back()


def _apply(scope: Scope, selection: Selection, action: BulkAction, form: BulkForm) -> Done:
    if action.field is None:
        return bulk.remove(scope, selection, seen=form.seen, reason=form.why)
    value = _text(form, action.field.name) if action.field.is_text else action.value
    changes: dict[str, Any] = {action.field.name: value}
    return bulk.change(scope, selection, changes, seen=form.seen, reason=form.why)


def _text(form: BulkForm, name: str) -> str | None:
    """None only with the tick, so that an empty field removes nothing by accident."""
    text = text_or_none(form[name])
    if text is None and not form.clear.data:
        raise Invalid([Problem(name, messages.NO_VALUE)])
    if text and form.clear.data:
        raise Invalid([Problem(name, messages.VALUE_AND_CLEAR)])
    return text
