"""Saved views of the table: saving the filter and sort under a name, renaming, deleting."""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qsl, urlencode

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app.core import texts
from app.core.errors import Conflict
from app.models import SavedView
from app.services.endpoints import bulk, saved_views
from app.services.scope import Scope
from app.web.endpoints import messages, query
from app.web.endpoints.forms import ViewForm
from app.web.shell import history, render
from app.web.shell.guard import Pages, Who

table_views = Pages("table_views", __name__)


@table_views.page("/o/<slug>/endpoints/views/new", who=Who.SUPERADMIN, title="Save view")
def new(scope: Scope) -> ResponseReturnValue:
    """Shows the form. `name` is the name of a deleted view, which saving restores."""
    return _new(ViewForm(name=request.args.get("name", "")))


def _new(form: ViewForm, status: int = 200) -> Response:
    return render.page(
        "endpoints/view.html",
        status,
        form=form,
        view=None,
        words=bulk.words(query.filter_from_request(), texts.bidi_isolate),
        address=query.address("table_views.save"),
        back=query.address("endpoints.table"),
    )


@table_views.page("/o/<slug>/endpoints/views/new", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope) -> ResponseReturnValue:
    """Saves the filter and sort of the address."""
    form = ViewForm()
    with form.refusals(partial(_new, form), {Conflict: "name"}):
        name = form.name.data or request.args.get("name", "")
        row = saved_views.save(scope, name.strip(), query.filter_string())
    flash(messages.view_saved(texts.bidi_isolate(row.name)), "ok")
    return render.redirect_to(_address(row))


@table_views.page("/o/<slug>/endpoints/views/<view_id>", who=Who.SUPERADMIN, title="View")
def show(scope: Scope, view_id: str) -> ResponseReturnValue:
    row = saved_views.get(scope, view_id)
    return _show(row, ViewForm(name=row.name))


def _show(row: SavedView, form: ViewForm, status: int = 200) -> Response:
    return render.page(
        "endpoints/view.html",
        status,
        form=form,
        view=row,
        words="",
        address=url_for("table_views.rename", view_id=row.id),
        back=_address(row),
    )


@table_views.page("/o/<slug>/endpoints/views/<view_id>", who=Who.SUPERADMIN, methods=["POST"])
def rename(scope: Scope, view_id: str) -> ResponseReturnValue:
    form, row = ViewForm(), saved_views.get(scope, view_id)
    with form.refusals(partial(_show, row, form), {Conflict: "name"}):
        row = saved_views.rename(scope, view_id, (form.name.data or "").strip())
    flash(messages.view_saved(texts.bidi_isolate(row.name)), "ok")
    return render.redirect_to(_address(row))


@table_views.page("/o/<slug>/endpoints/views/<view_id>/delete", who=Who.SUPERADMIN, methods=["POST"])
def delete(scope: Scope, view_id: str) -> ResponseReturnValue:
    row = saved_views.get(scope, view_id)
    address = _address(row)
    deleted = messages.view_deleted(texts.bidi_isolate(row.name))
    undo = f"{url_for('table_views.new')}?{urlencode([*parse_qsl(row.query), ('name', row.name)])}"
    saved_views.delete(scope, view_id)
    flash(history.UNDO_IN_PLACE.format(deleted, undo, undo, "endpoints"), "ok")
    return render.redirect_to(address)


def _address(row: SavedView) -> str:
    """Returns the address of the table with the view's filter and sort."""
    return f"{url_for('endpoints.table')}?{row.query}"
