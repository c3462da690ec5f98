"""Endpoints: the table, adding, editing in place, activating, deleting."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app.core import phone
from app.core.errors import Conflict, Invalid, Stale
from app.models import Endpoint
from app.provider import Family
from app.providers import PROVIDERS, in_family, keys_in
from app.services.drift import probe, standing, tallies
from app.services.endpoints import crud, hints, listing, paging, readiness
from app.services.endpoints.fields import EDITABLE, SEARCHED_WORDS
from app.services.endpoints.listing import Filter
from app.services.keyset import Page
from app.services.scope import Scope
from app.services.status import impact
from app.services.status.places import Place
from app.web.endpoints import bulk, messages, query
from app.web.endpoints.forms import EndpointForm
from app.web.shell import connection_states, render
from app.web.shell.conflicts import Clash, merge_with_stored, reconfirm_when_stale
from app.web.shell.forms import ConfirmForm, yes_or_no
from app.web.shell.guard import Pages, Who
from app.web.shell.history import flash_undo, history
from app.web.shell.registry import Link, Section


def _subjects(scope: Scope, path: Mapping[str, Any]) -> list[str]:
    return [crud.get(scope, path["endpoint_id"]).phone_number] if "endpoint_id" in path else []


def _drifted(scope: Scope) -> str:
    count = tallies.drifted_among(scope, keys_in(Family.TELEPHONY), most=MOST_DRIFTED)
    shown = f"{MOST_DRIFTED - 1}+" if count == MOST_DRIFTED else str(count)
    return f"{shown} drifted" if count else ""


endpoints = Pages("endpoints", __name__, subjects=_subjects)
MOST_DRIFTED = 100
"""So many drifted numbers are counted for the navigation."""


@endpoints.page(
    "/o/<slug>/endpoints",
    who=Who.SUPERADMIN,
    title="Endpoints",
    link=Link(Section.CALLS, 20, badge=_drifted),
    places={Place.ENDPOINTS: {}, Place.DRIFTED: {"sync": "drifted"}, Place.BLOCKED: {"sync": "blocked"}},
)
def table(scope: Scope) -> ResponseReturnValue:
    if "edit" not in request.args:
        return _table(scope)
    edited = crud.get(scope, request.args["edit"])
    return _table(scope, edited=edited, form=EndpointForm(obj=edited))


def _table(
    scope: Scope,
    status: int = 200,
    *,
    edited: Endpoint | None = None,
    form: EndpointForm | None = None,
    conflicts: Clash | None = None,
) -> Response:
    """The edited row is shown even if the filter or the page excludes it."""
    filters, sort, page = (
        query.filter_from_request(),
        request.args.get("sort") or paging.BY_NUMBER,
        _page(scope),
    )
    is_whole = page.next is None and page.previous is None
    total = len(page.rows) if is_whole else listing.count(scope, filters)
    checks = tallies.of_numbers(scope, [row.phone_number for row in page.rows])
    rows = page.rows if edited is None or edited in page.rows else [edited, *page.rows]
    return render.page(
        "endpoints/table.html",
        status,
        endpoints=rows,
        readiness=readiness.load(scope),
        checks=checks,
        bulk_actions=bulk.ACTIONS.values(),
        searched=SEARCHED_WORDS,
        previous_page=query.query_string(cursor=page.previous) if page.previous else None,
        next_page=query.query_string(cursor=page.next) if page.next else None,
        first_page=query.query_string(cursor=None),
        query=query.query_string(),
        view=query.view(),
        sort=sort,
        sort_words=paging.SORTS,
        sorts={name: query.query_string(cursor=None, sort=name) for name in paging.SORTS},
        total=min(total, listing.COUNT_MOST),
        total_is_capped=total > listing.COUNT_MOST,
        filters=filters,
        is_filtered=filters != Filter(),
        is_first=page.previous is None,
        all_ticked=request.args.get("tick") == "page",
        providers=in_family(Family.TELEPHONY),
        agents_in_use=partial(listing.agents, scope),
        editing=edited.id if edited else None,
        form=form,
        conflicts=conflicts,
        standing_now=partial(standing.of, scope),
    )


def _page(scope: Scope) -> Page[Endpoint]:
    """Returns the requested page; the first one if all its rows are gone."""
    filters, sort = query.filter_from_request(), request.args.get("sort") or paging.BY_NUMBER
    cursor = request.args.get("cursor") or None
    page = paging.page(scope, filters, limit=query.PAGE, sort=sort, cursor=cursor)
    return page if page.rows or not cursor else paging.page(scope, filters, limit=query.PAGE, sort=sort)


@endpoints.page(
    "/o/<slug>/endpoints/new",
    who=Who.SUPERADMIN,
    title="Add endpoint",
    link=Link(Section.CALLS, 30, in_navigation=False),
    places={Place.NEW_ENDPOINT: {}},
)
def new(scope: Scope) -> ResponseReturnValue:
    number = request.args.get("number", "")[:40]
    form = EndpointForm(provider=scope.organization.active_telephony, phone_number=number)
    return _new(scope, form)


def _new(scope: Scope, form: EndpointForm, status: int = 200) -> Response:
    return render.page("endpoints/new.html", status, form=form, agents=listing.agents(scope))


@endpoints.page("/o/<slug>/endpoints/webhook-url", who=Who.SUPERADMIN, title="Webhook URL")
def webhook_url(scope: Scope) -> ResponseReturnValue:
    """Shows the webhook URL of an agent's name while it is typed."""
    provider = request.args.get("provider", "")
    name = request.args.get("inbound_agent_name", "").strip()
    known = provider if provider in keys_in(Family.TELEPHONY) else ""
    return render.page(
        "endpoints/webhook_url.html",
        preview=hints.preview(scope, known or keys_in(Family.TELEPHONY)[0], name),
    )


@endpoints.page("/o/<slug>/endpoints/new", who=Who.SUPERADMIN, methods=["POST"])
def create(scope: Scope) -> ResponseReturnValue:
    form = EndpointForm()
    with form.refusals(partial(_new, scope, form), {Conflict: "phone_number"}):
        row = crud.create(scope, form.drafted())
    flash(messages.created(phone.display(row.phone_number)), "ok")
    typed = (form.phone_number.data or "").strip()
    if typed != row.phone_number:
        flash(messages.read_as(typed, row.phone_number), "ok")
    _flash_warnings(scope, row)
    return render.redirect_to(url_for("endpoints.show", endpoint_id=row.id))


@endpoints.page(
    "/o/<slug>/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    title="Endpoint",
    places={Place.ENDPOINT: {}, Place.EDIT_ENDPOINT: {"edit": 1}},
)
def show(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """One number and its webhook URL; with `edit`, its form."""
    row = crud.get(scope, endpoint_id)
    return _show(scope, row, form=EndpointForm(obj=row) if "edit" in request.args else None)


def _show(
    scope: Scope,
    row: Endpoint,
    status: int = 200,
    *,
    form: EndpointForm | None = None,
    conflicts: Clash | None = None,
) -> Response:
    rule = readiness.load(scope)
    state = rule.connections.get(row.provider)
    return render.page(
        "endpoints/show.html",
        status,
        endpoint=row,
        fields=[field for field in EDITABLE if field.is_text],
        readiness=rule,
        check=tallies.of_number(scope, row),
        tested=connection_states.state_of(scope, row.provider) if state else None,
        can_point=probe.can_point(row.provider),
        provider=PROVIDERS.get(row.provider),
        history=history(scope, row.phone_number),
        form=form,
        conflicts=conflicts,
        agents=listing.agents(scope) if form else [],
    )


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Saves the form of the table or of the number's own page, and returns there."""
    form, row = EndpointForm(), crud.get(scope, endpoint_id)
    was = row.inbound_agent_name, row.outbound_agent_name
    try:
        row = crud.update(scope, endpoint_id, form.edited(), version=form.version_sent)
    except Invalid as error:
        row = crud.get(scope, endpoint_id)
        _set_fixed(form, row)
        form.add_errors(error)
        return _edited_again(scope, row, form, 422)
    except Stale:
        return _stale(scope, endpoint_id, form)
    _flash_saved(scope, row, was)
    if _is_detail_page():
        return render.redirect_to(url_for("endpoints.show", endpoint_id=row.id))
    return query.back()


def _is_detail_page() -> bool:
    return request.args.get("from") == "page"


def _edited_again(
    scope: Scope, row: Endpoint, form: EndpointForm, status: int, conflicts: Clash | None = None
) -> Response:
    if _is_detail_page():
        return _show(scope, row, status, form=form, conflicts=conflicts)
    return _table(scope, status, edited=row, form=form, conflicts=conflicts)


def _flash_saved(scope: Scope, row: Endpoint, was: tuple[str | None, str | None]) -> None:
    """Flashes what remains to do at the provider if the inbound agent changed."""
    done, left = messages.saved(phone.display(row.phone_number)), None
    if row.inbound_agent_name != was[0]:
        left = hints.provider_follow_up(scope, row, was[0])
    if left:
        href = url_for("drift.show", endpoint_id=row.id)
        render.flash_with_link(f"{done} {left.sentence}", "warn", href, left.word)
    else:
        flash(done, "ok")
    _flash_warnings(scope, row, was)


def _flash_warnings(scope: Scope, row: Endpoint, was: tuple[str | None, ...] = ()) -> None:
    """Warns of agents that are new on this endpoint."""
    names = {row.inbound_agent_name, row.outbound_agent_name} - set(was)
    for warning in hints.spelling_warnings(scope, row, sorted(name for name in names if name)):
        flash(warning, "warn")


def _stale(scope: Scope, endpoint_id: str, form: EndpointForm) -> Response:
    """Shows both versions and keeps the typed values; saving again replaces what is stored."""
    row = crud.get(scope, endpoint_id)
    _set_fixed(form, row)
    fresh, names = EndpointForm(formdata=None, obj=row), [field.name for field in EDITABLE]
    clash = merge_with_stored(scope, form, fresh, [row.phone_number], names)
    return _edited_again(scope, row, form, 412, clash)


def _set_fixed(form: EndpointForm, row: Endpoint) -> None:
    form.phone_number.data, form.provider.data = row.phone_number, row.provider


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/active", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(lambda scope, **_path: _table(scope))
def set_active(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    is_active = yes_or_no("active")
    row = crud.update(scope, endpoint_id, {"is_active": is_active}, version=ConfirmForm().version_sent)
    done = messages.activated if row.is_active else messages.deactivated
    flash(done(phone.display(row.phone_number)), "ok")
    return query.back()


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/delete", who=Who.SUPERADMIN, title="Delete endpoint")
def confirm_delete(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    row = crud.get(scope, endpoint_id)
    return render.page(
        "endpoints/delete.html",
        endpoint=row,
        readiness=readiness.load(scope),
        form=ConfirmForm(version=str(row.version)),
        dialers=impact.holders(scope, row.phone_number),
        query=query.query_string(),
    )


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/delete", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(confirm_delete)
def delete(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    form = ConfirmForm()
    event = crud.delete(scope, endpoint_id, reason=form.why, version=form.version_sent)
    flash_undo(messages.deleted(phone.display(event.subject)), event.id)
    return query.back()
