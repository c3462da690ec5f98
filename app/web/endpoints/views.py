"""Endpoints: the table, adding, editing in place, activating, deleting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from itertools import groupby
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core import clock, phone, texts
from app.core.errors import Conflict, Invalid, Stale
from app.models import Endpoint
from app.provider import Family
from app.providers import PROVIDERS, in_family, keys_in
from app.services.connections import check_days
from app.services.drift import probe, standing, tallies, verdicts
from app.services.endpoints import bulk as endpoints_bulk
from app.services.endpoints import crud, healths, hints, listing, paging, proven, readiness, saved_views
from app.services.endpoints import messages as endpoints_messages
from app.services.endpoints import undo as endpoints_undo
from app.services.endpoints.crud import Saved
from app.services.endpoints.fields import EDITABLE, SEARCHED_WORDS
from app.services.endpoints.listing import Filter
from app.services.keyset import Page
from app.services.last_calls import endpoints as last_calls_endpoints
from app.services.scope import Scope
from app.services.status import call_path, impact, outages
from app.services.status.places import Place
from app.services.voice_ai import call_figures, calls
from app.services.voice_ai.call_search import EVERY_CALL, CallFilter
from app.services.webhook_tests import results as webhook_test_results
from app.services.webhooks import deleting
from app.web.endpoints import bulk, messages, query, webhook_tests
from app.web.endpoints.forms import DeleteForm, EndpointForm
from app.web.shell import connection_states, next_step, render
from app.web.shell.conflicts import Clash, merge_with_stored, reconfirm_when_stale
from app.web.shell.forms import ConfirmForm, yes_or_no
from app.web.shell.guard import Pages, Who
from app.web.shell.history import flash_undo, history
from app.web.shell.messages import restored
from app.web.shell.registry import Link, Section


def _subjects(scope: Scope, path: Mapping[str, Any]) -> list[str]:
    return [crud.get(scope, path["endpoint_id"]).phone_number] if "endpoint_id" in path else []


def _drifted(scope: Scope) -> str:
    count = tallies.drifted_among(scope, keys_in(Family.TELEPHONY), most=MOST_DRIFTED)
    shown = f"{MOST_DRIFTED - 1}+" if count == MOST_DRIFTED else str(count)
    return f"{shown} drifted" if count else ""


def _name(scope: Scope, endpoint_id: str) -> str:
    return phone.display(crud.get(scope, endpoint_id).phone_number)


endpoints = Pages("endpoints", __name__, subjects=_subjects)
endpoints.add_app_template_filter(endpoints_messages.cause_word)
MOST_CALLS = 5
"""How many calls the page of an outbound-only number shows."""

MOST_DRIFTED = 100
"""The highest count of drifted numbers in the navigation."""


@endpoints.page(
    "/o/<slug>/endpoints",
    who=Who.SUPERADMIN,
    title="Endpoints",
    link=Link(Section.CALLS, 20, badge=_drifted, icon="phone", key="e"),
    words="webhook phone numbers lines did",
    places={
        Place.ENDPOINTS: {},
        Place.DRIFTED: {"sync": "drifted"},
        Place.BLOCKED: {"sync": "blocked"},
        Place.PROVEN: {"sync": "proven"},
    },
)
def table(scope: Scope) -> ResponseReturnValue:
    """Shows the table, or the row that htmx requests. The edited row is a form."""
    edited, shown = request.args.get("edit"), request.args.get("line", "")
    if not edited:
        return _line(scope, crud.get(scope, shown)) if _is_line(shown) else _table(scope)
    row = crud.get(scope, edited)
    return _edited(scope, row, EndpointForm(obj=row))


def _is_line(endpoint_id: str) -> bool:
    return bool(endpoint_id) and render.is_fragment_request(f"endpoint-{endpoint_id}")


def _line(scope: Scope, row: Endpoint, status: int = 200, **context: Any) -> Response:
    """Returns one row of the table, which htmx replaces. A row that was just saved is marked."""
    shown: dict[str, Any] = {"form": None, "conflicts": None, "saved": False} | context
    return render.line(
        "endpoints/_line.html",
        status,
        endpoint=row,
        checks=tallies.of_numbers(scope, [row.phone_number]),
        strips=check_days.of_numbers(scope, [row.phone_number]),
        readiness=readiness.load(scope),
        query=query.query_string(),
        filter_string=query.filter_string(),
        agents_in_use=partial(listing.agents, scope),
        is_part=True,
        **shown,
    )


def _edited(
    scope: Scope, row: Endpoint, form: EndpointForm, status: int = 200, conflicts: Clash | None = None
) -> Response:
    if _is_line(row.id):
        return _line(scope, row, status, form=form, conflicts=conflicts)
    return _table(scope, status, edited=row, form=form, conflicts=conflicts)


def _table(
    scope: Scope,
    status: int = 200,
    *,
    edited: Endpoint | None = None,
    form: EndpointForm | None = None,
    conflicts: Clash | None = None,
) -> Response:
    """Returns the table. The edited row is shown even if the filter or the page excludes it."""
    filters, sort, page = (
        query.filter_from_request(),
        request.args.get("sort") or paging.BY_NUMBER,
        _page(scope),
    )
    is_whole = page.next is None and page.previous is None
    total = len(page.rows) if is_whole else listing.count(scope, filters)
    numbers = [row.phone_number for row in page.rows]
    rows = page.rows if edited is None or edited in page.rows else [edited, *page.rows]
    return render.page(
        "endpoints/table.html",
        status,
        endpoints=rows,
        readiness=readiness.load(scope),
        checks=tallies.of_numbers(scope, numbers),
        strips=check_days.of_numbers(scope, numbers),
        days_in_table=check_days.IN_TABLE,
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
        chips=list(query.chips(filters)),
        health=next(healths.of_filter(filters), None),
        filter_words=endpoints_bulk.words(filters, texts.bidi_isolate),
        healths=[(name, [*each]) for name, each in groupby(healths.CHOICES.values(), lambda it: it.group)],
        views=saved_views.of_user(scope),
        filter_string=query.filter_string(),
        is_part=render.is_fragment_request("endpoints"),
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
    filters, sort = query.filter_from_request(), query.sort_from_request()
    cursor = request.args.get("cursor") or None
    page = paging.page(scope, filters, limit=query.PAGE, sort=sort, cursor=cursor)
    return page if page.rows or not cursor else paging.page(scope, filters, limit=query.PAGE, sort=sort)


@endpoints.page(
    "/o/<slug>/endpoints/new",
    who=Who.SUPERADMIN,
    title="Add endpoint",
    link=Link(Section.CALLS, 30, in_navigation=False, icon="plus"),
    places={Place.NEW_ENDPOINT: {}},
)
def new(scope: Scope) -> ResponseReturnValue:
    number = request.args.get("number", "")[:40]
    form = EndpointForm(provider=scope.organization.active_telephony, phone_number=number)
    return _new(scope, form)


def _new(scope: Scope, form: EndpointForm, status: int = 200) -> Response:
    form.inbound_agent_name.about = messages.ABOUT_AGENT
    if scope.organization.country:
        form.phone_number.description = messages.country_assumed(scope.organization.country)
    return render.page("endpoints/new.html", status, form=form, agents=listing.agents(scope))


@endpoints.page("/o/<slug>/endpoints/new", who=Who.SUPERADMIN, methods=["POST"])
def create(scope: Scope) -> ResponseReturnValue:
    form = EndpointForm()
    with form.refusals(partial(_new, scope, form), {Conflict: "phone_number"}):
        try:
            row = crud.create(scope, form.drafted())
        except Conflict as error:
            raise _with_link(error) from None
    typed, shown = (form.phone_number.data or "").strip(), phone.display(row.phone_number)
    is_same = typed in (row.phone_number, shown)
    next_step.flash_done(scope, messages.created(shown) if is_same else messages.created_from(shown, typed))
    _flash_warnings(scope, row)
    return render.redirect_to(url_for("endpoints.show", endpoint_id=row.id))


def _with_link(error: Conflict) -> Conflict:
    """Returns the error with a link to the organization's own endpoint of that number, if any."""
    if error.existing_id is None:
        return error
    address = url_for("endpoints.show", endpoint_id=error.existing_id)
    return Conflict(render.LINKED.format(error.message, address, messages.OPEN_IT), code=error.code)


@endpoints.page(
    "/o/<slug>/endpoints/<endpoint_id>",
    who=Who.SUPERADMIN,
    title="Endpoint",
    name=_name,
    places={Place.ENDPOINT: {}, Place.EDIT_ENDPOINT: {"edit": 1}},
)
def show(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Shows a number and its webhook URL; with `edit`, its form. A phone number redirects."""
    if endpoint_id.startswith("+"):
        return _redirect_from_number(scope, endpoint_id)
    row = crud.get(scope, endpoint_id)
    return _show(scope, row, form=EndpointForm(obj=row) if "edit" in request.args else None)


def _redirect_from_number(scope: Scope, number: str) -> Response:
    """Redirects to the page of the number; if it is gone, to the table filtered by it."""
    row = readiness.by_number(scope, number)
    address = url_for("endpoints.show", endpoint_id=row.id) if row else url_for("endpoints.table", q=number)
    return render.redirect_to(address)


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
    check = tallies.of_number(scope, row)
    route = call_path.of_endpoint(scope, row, check)
    return render.page(
        "endpoints/show.html",
        status,
        endpoint=row,
        fields=[field for field in EDITABLE if field.is_text],
        readiness=rule,
        check=check,
        last_sentence=verdicts.last_sentence(check),
        is_compared=verdicts.is_compared(check),
        route=route,
        dialing=_dialing(scope, row) if route.direction == "outbound" else None,
        tested=connection_states.state_of(scope, row.provider) if state else None,
        can_point=probe.can_point(row.provider),
        is_proven=proven.of_endpoint(scope, row),
        webhook_address=webhook_tests.address_of(scope, row.id),
        webhook_report=webhook_test_results.of_endpoint(scope, row),
        call_report=last_calls_endpoints.of_endpoint(scope, row) if row.provider in PROVIDERS else None,
        provider=PROVIDERS.get(row.provider),
        check_days=check_days.of_subject(scope, row.provider, row.phone_number),
        outages=outages.of_subject(scope, row.provider, row.phone_number),
        failed_run=standing.failed_run(scope, row.provider, check.checked_at)
        if check and check.due
        else None,
        history=history(scope, row.phone_number),
        form=form,
        conflicts=conflicts,
        agents=listing.agents(scope) if form else [],
        beside=paging.beside(scope, row, query.filter_from_request(), query.sort_from_request()),
        filter_string=query.filter_string(),
    )


def _dialing(scope: Scope, row: Endpoint) -> dict[str, Any]:
    """Returns a number's outbound calls: figures of the last days, last calls, and users."""
    first, last = call_figures.period(EVERY_CALL, clock.now().date())
    filters = CallFilter(caller=row.phone_number, since=first)
    return {
        "figures": call_figures.of(scope, filters, first, last),
        "calls": calls.page(scope, filters, limit=MOST_CALLS).rows,
        "dialers": impact.holders(scope, row.phone_number),
    }


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Saves the form of the table or of the number's own page, and returns to that page."""
    form, row = EndpointForm(), crud.get(scope, endpoint_id)
    was = row.inbound_agent_name, row.outbound_agent_name
    form.stops = _unconfirmed(scope, row, form.edited())
    if form.stops:
        _set_fixed(form, row)
        return _edited_again(scope, row, form, 422)
    try:
        saved = crud.save(scope, endpoint_id, form.edited(), version=form.submitted_version)
    except Invalid as error:
        row = crud.get(scope, endpoint_id)
        _set_fixed(form, row)
        form.add_errors(error)
        return _edited_again(scope, row, form, 422)
    except Stale:
        return _show_conflict(scope, endpoint_id, form)
    _flash_saved(scope, saved, was)
    if _is_detail_page():
        return render.redirect_to(query.address("endpoints.show", endpoint_id=endpoint_id))
    return _after_change(scope, saved)


def _unconfirmed(scope: Scope, row: Endpoint, changes: Mapping[str, Any]) -> list[str]:
    """Returns the directions of a live number that the changes stop, unless confirmed."""
    stops = readiness.load(scope).stopped_by(row, changes)
    return [] if request.form.get("confirmed") in ("yes", ",".join(stops)) else stops


def _after_change(scope: Scope, saved: Saved) -> Response:
    """Returns the changed row with HX-Trigger for the counts, or redirects without htmx."""
    is_line = _is_line(saved.row.id)
    return render.triggering("changed", _line(scope, saved.row, saved=True)) if is_line else query.back()


def _is_detail_page() -> bool:
    return request.args.get("from") == "page"


def _edited_again(
    scope: Scope, row: Endpoint, form: EndpointForm, status: int, conflicts: Clash | None = None
) -> Response:
    if _is_detail_page():
        return _show(scope, row, status, form=form, conflicts=conflicts)
    return _edited(scope, row, form, status, conflicts)


def _flash_saved(scope: Scope, saved: Saved, was: tuple[str | None, str | None]) -> None:
    """Flashes a link to undo, and what to do at the provider if the inbound agent changed."""
    row, done = saved.row, messages.saved(phone.display(saved.row.phone_number))
    undo = flash_undo if _is_detail_page() else query.flash_undo
    undo(done, saved.event_id)
    follow_up = row.inbound_agent_name != was[0] and hints.provider_follow_up(scope, row, was[0])
    if follow_up:
        href = url_for("drift.show", endpoint_id=row.id)
        render.flash_with_link(follow_up.sentence, "warn", href, follow_up.word)
    _flash_warnings(scope, row, was)


def _flash_warnings(scope: Scope, row: Endpoint, was: tuple[str | None, ...] = ()) -> None:
    """Flashes warnings about agents that are new on this endpoint."""
    names = {row.inbound_agent_name, row.outbound_agent_name} - set(was)
    for warning in hints.spelling_warnings(scope, row, sorted(name for name in names if name)):
        flash(warning, "warn")


def _show_conflict(scope: Scope, endpoint_id: str, form: EndpointForm) -> Response:
    """Shows both versions and keeps the typed values; saving again replaces the stored ones."""
    row = crud.get(scope, endpoint_id)
    _set_fixed(form, row)
    fresh, names = EndpointForm(formdata=None, obj=row), [field.name for field in EDITABLE]
    clash = merge_with_stored(scope, form, fresh, [row.phone_number], names)
    return _edited_again(scope, row, form, 412, clash)


def _set_fixed(form: EndpointForm, row: Endpoint) -> None:
    form.phone_number.data, form.provider.data = row.phone_number, row.provider


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/active", who=Who.SUPERADMIN, title="Deactivate endpoint")
def confirm_deactivate(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Shows what deactivating a live number stops. With JavaScript, a dialog shows the same."""
    row = crud.get(scope, endpoint_id)
    return render.page(
        "endpoints/deactivate.html",
        endpoint=row,
        form=ConfirmForm(version=str(row.version)),
        query=query.query_string(),
    )


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/active", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(lambda scope, **_path: _table(scope))
def set_active(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Activates or deactivates the endpoint; a live number only after a confirmation."""
    is_active, version = yes_or_no("active"), ConfirmForm(request.values).submitted_version
    if _unconfirmed(scope, crud.get(scope, endpoint_id), {"is_active": is_active}):
        return render.page_first(query.address("endpoints.confirm_deactivate", endpoint_id=endpoint_id))
    saved = crud.save(scope, endpoint_id, {"is_active": is_active}, version=version)
    done = messages.activated if saved.row.is_active else messages.deactivated
    query.flash_undo(done(phone.display(saved.row.phone_number)), saved.event_id)
    return _after_change(scope, saved)


@endpoints.page("/o/<slug>/endpoints/undo/<event_id>", who=Who.SUPERADMIN, methods=["POST"])
def undo(scope: Scope, event_id: str) -> ResponseReturnValue:
    """Undoes the last change of the table. If that stops a live number, confirms it first."""
    planned = endpoints_undo.plan(scope, int(event_id) if re.fullmatch("[0-9]{1,15}", event_id) else -1)
    if any(planned.stopped.values()):
        return render.page_first(url_for("audit_events.confirm_undo", event_id=planned.event.id))
    done = endpoints_undo.undo(scope, planned.event.id, expected_count=planned.count)
    named = phone.display(planned.numbers[0]) if done.count == 1 else None
    query.flash_undo(restored(done.count, named), done.event_id)
    return query.back()


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/delete", who=Who.SUPERADMIN, title="Delete endpoint")
def confirm_delete(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    row = crud.get(scope, endpoint_id)
    return render.page(
        "endpoints/delete.html",
        endpoint=row,
        readiness=readiness.load(scope),
        form=DeleteForm(version=str(row.version)),
        can_clear=probe.can_restore(row.provider),
        dialers=impact.holders(scope, row.phone_number),
        query=query.query_string(),
    )


@endpoints.page("/o/<slug>/endpoints/<endpoint_id>/delete", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(confirm_delete)
def delete(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    form = DeleteForm()
    http = context.outbound() if form.clear_webhook.data else None
    done = deleting.delete(scope, http, endpoint_id, reason=form.why, version=form.submitted_version)
    query.flash_undo(messages.deleted(phone.display(done.event.subject)), done.event.id)
    if done.cleared:
        flash(done.cleared.reason, messages.TONES_OF_CLEARING.get(done.cleared.code, "bad"))
    return query.back()
