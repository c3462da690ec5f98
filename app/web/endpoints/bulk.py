"""Bulk changes: a page shows the selected endpoints before they are changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app.core import texts
from app.core.errors import Conflict, Invalid, Problem
from app.services.drift import tallies
from app.services.endpoints import bulk, listing, readiness
from app.services.endpoints.bulk import Selection
from app.services.endpoints.fields import BULK, EndpointField
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.webhooks import jobs as webhook_work
from app.web.endpoints import messages, webhook_jobs
from app.web.endpoints.forms import BulkForm
from app.web.endpoints.query import back, filter_from_request, flash_undo, query_string
from app.web.shell import render
from app.web.shell.forms import text_or_none
from app.web.shell.guard import Pages, Who

many_endpoints = Pages("many_endpoints", __name__)

CONFIGURE, TEST, CHECK, DELETE = "configure", "test", "check", "delete"
EXPORT = "export"
IN_BAR = ("activate", "deactivate", "inbound_agent_name", CONFIGURE)
"""The actions that are buttons beside the selection. The others are in a menu."""


@dataclass(frozen=True)
class BulkAction:
    """A button that applies to all selected endpoints. With a `field`, it sets that field.

    `key` is its name in addresses; `value` is the value that it sets a bool to.
    """

    key: str
    verb: str
    field: EndpointField | None = None
    value: bool | None = None

    @property
    def is_in_bar(self) -> bool:
        return self.key in IN_BAR


def _actions() -> Iterator[BulkAction]:
    for field in sorted(BULK, key=lambda field: field.is_text):
        if field.is_text:
            yield BulkAction(field.name, f"Set {field.label.lower()}", field)
            continue
        for verb, value in zip(field.verbs, (True, False), strict=True):
            yield BulkAction(verb.lower(), verb, field, value)
    yield BulkAction(CONFIGURE, "Configure webhook")
    yield BulkAction(TEST, "Test webhook")
    yield BulkAction(CHECK, "Check")
    yield BulkAction(DELETE, "Delete")


ACTIONS = {action.key: action for action in _actions()}


@many_endpoints.page(
    "/o/<slug>/endpoints/many",
    who=Who.SUPERADMIN,
    title="Change endpoints",
    places={Place.SET_WEBHOOKS: {"do": CONFIGURE, "all": "yes", "active": "on"}},
)
def confirm(scope: Scope) -> ResponseReturnValue:
    """Shows the effect of an action on the selection.

    An export needs no confirmation and starts immediately.
    """
    if request.args.get("do") == EXPORT:
        query = request.query_string.decode()
        return render.redirect_to(f"{url_for('endpoint_imports.export')}?{query}")
    return _confirm(scope, BulkForm())


def _confirm(scope: Scope, form: BulkForm, status: int = 200, problem: str = "") -> Response:
    selection, action = _selection(), _action()
    affected = bulk.affected(scope, selection) if selection and action else None
    numbers = [row.phone_number for row in affected.rows] if affected else []
    form.count.data = str(affected.count) if affected else ""
    field = action.field if action and action.field and action.field.is_text else None
    if field:
        form.clear.label.text = f"Remove {field.label.lower()}"
    return render.page(
        "endpoints/many.html",
        status,
        form=form,
        action=action,
        field=form[field.name] if field else None,
        affected=affected,
        checks=tallies.of_numbers(scope, numbers),
        readiness=readiness.load(scope),
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
    """Returns the selected endpoints: by `id`, the filter with `all`, or changed by an `event`."""
    event = request.args.get("event", "")
    if re.fullmatch("[0-9]{1,15}", event):
        return Selection(event_id=int(event))
    if request.args.get("all") == "yes":
        return Selection(filters=filter_from_request())
    return Selection(ids=request.args.getlist("id"))


@many_endpoints.page("/o/<slug>/endpoints/many", who=Who.SUPERADMIN, methods=["POST"])
def apply(scope: Scope) -> ResponseReturnValue:
    form, selection, action = BulkForm(), _selection(), _action()
    if not selection or action is None:
        return _confirm(scope, form, 422)
    try:
        if action.field:
            return _change(scope, selection, action, action.field, form)
        return _BY_KEY[action.key](scope, selection, form)
    except Invalid as error:
        form.add_errors(error)
        return _confirm(scope, form, 422)
    except Conflict as error:
        return _confirm(scope, form, error.status, error.message)


def _configure(scope: Scope, selection: Selection, form: BulkForm) -> Response:
    count, replaces = webhook_work.count(scope, selection), bool(form.replace_services.data)
    return webhook_jobs.set_webhooks(scope, selection, count, replaces_services=replaces)


def _test(scope: Scope, selection: Selection, form: BulkForm) -> Response:
    return webhook_jobs.test_webhooks(scope, selection, signed=bool(form.signed.data))


def _check(scope: Scope, selection: Selection, form: BulkForm) -> Response:
    flash(messages.checking(bulk.check(scope, selection, expected_count=form.seen)), "ok")
    return back()


def _delete(scope: Scope, selection: Selection, form: BulkForm) -> Response:
    items = webhook_work.clearable_items(scope, selection) if form.clear_webhooks.data else []
    done = bulk.remove(scope, selection, expected_count=form.seen, reason=form.why)
    flash_undo(messages.bulk_deleted(done.count), done.event_id)
    return webhook_jobs.clear_webhooks(scope, items) if items else back()


_BY_KEY = {CONFIGURE: _configure, TEST: _test, CHECK: _check, DELETE: _delete}


def _change(
    scope: Scope, selection: Selection, action: BulkAction, field: EndpointField, form: BulkForm
) -> Response:
    value = _text(form, field.name) if field.is_text else action.value
    done = bulk.change(scope, selection, {field.name: value}, expected_count=form.seen, reason=form.why)
    flash_undo(messages.bulk_changed(done.count, (form.seen or 0) - done.count), done.event_id)
    if done.event_id and field.changes_webhook and field.is_text and value:
        offer_webhooks(done.event_id)
    return back()


def offer_webhooks(event_id: int) -> None:
    """Flashes a link that configures the webhooks of all endpoints that an event changed."""
    address = url_for("many_endpoints.confirm", do=CONFIGURE, event=event_id)
    render.flash_with_link(messages.WEBHOOKS_CHANGED, "warn", address, messages.CONFIGURE_WEBHOOKS)


def _text(form: BulkForm, name: str) -> str | None:
    """Returns the new text; None only if its removal is selected.

    Raises Invalid for an empty field without that, and for a text with it.
    """
    text = text_or_none(form[name])
    if text is None and not form.clear.data:
        raise Invalid([Problem(name, messages.NO_VALUE)])
    if text and form.clear.data:
        raise Invalid([Problem(name, messages.VALUE_AND_CLEAR)])
    return text
