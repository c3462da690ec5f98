"""Webhooks at the providers: checking one number or all, and setting a webhook."""

from __future__ import annotations

import re

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core import phone
from app.core.errors import Conflict, PatchbayError, Stale, TooMany
from app.provider import Capability
from app.services.connections import store
from app.services.drift import probe, runs, standing, tallies
from app.services.endpoints import crud
from app.services.organizations import directory
from app.services.scope import Scope
from app.services.status import setup
from app.services.status.places import Place
from app.services.webhooks import endpoint
from app.web.endpoints import messages
from app.web.shell import next_step, render
from app.web.shell.guard import Pages, Who

drift = Pages("drift", __name__)

MAX_POLLS = 5
"""How many times htmx polls for checks that have not started yet."""


@drift.page(
    "/o/<slug>/endpoints/<endpoint_id>/provider",
    who=Who.SUPERADMIN,
    title="Number at its provider",
    places={Place.AT_PROVIDER: {}},
)
def show(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Shows the present and the expected webhook. HX-Trigger reloads the call path."""
    return render.triggering("checked", _page(scope, endpoint_id))


def _page(scope: Scope, endpoint_id: str, problem: PatchbayError | None = None) -> Response:
    plan: endpoint.Plan | None = None
    try:
        plan = endpoint.plan(scope, context.outbound(), endpoint_id)
    except TooMany as error:
        problem = error
    row = crud.get(scope, endpoint_id)
    provider = store.provider_of(row.provider)
    response = render.page(
        "endpoints/at_provider.html",
        problem.status if problem else 200,
        row=row,
        shown=phone.display(row.phone_number),
        provider=provider,
        plan=plan,
        problem=problem and problem.message,
        is_manual=not probe.can(provider, Capability.POINT),
        check=tallies.of_number(scope, row),
        is_part=render.is_fragment_request(),
    )
    return render.with_retry_after(response, problem) if problem else response


@drift.page("/o/<slug>/endpoints/<endpoint_id>/point", who=Who.SUPERADMIN, methods=["POST"])
def point(scope: Scope, endpoint_id: str) -> ResponseReturnValue:
    """Sets the webhook if it is still as the page showed it. htmx gets HX-Trigger."""
    was_set_up = setup.is_done(scope)
    try:
        after = endpoint.point(
            scope, context.outbound(), endpoint_id, expected_digest=request.form.get("seen", "")
        )
    except (Conflict, Stale) as error:
        return _page(scope, endpoint_id, error)
    row = crud.get(scope, endpoint_id)
    shown, label = phone.display(row.phone_number), store.provider_of(row.provider).label
    if after.in_sync and not was_set_up:
        next_step.flash_with_home(messages.first_webhook_set(label, shown))
    elif after.in_sync:
        flash(messages.webhook_set(label, shown), "ok")
    else:
        flash(messages.webhook_still_wrong(label, shown, after.message), "bad")
    if not render.is_fragment_request():
        return render.redirect_to(url_for("drift.show", endpoint_id=endpoint_id))
    return render.triggering("changed", _page(scope, endpoint_id))


@drift.page(
    "/o/<slug>/check",
    who=Who.SUPERADMIN,
    methods=["POST"],
    action="Check all numbers",
    icon="check",
)
def check(scope: Scope) -> ResponseReturnValue:
    runs.check_all(scope)
    return _progress(scope) if render.is_fragment_request() else _redirect_to_endpoints()


def _redirect_to_endpoints() -> Response:
    flash(messages.CHECKING, "ok")
    return render.redirect_to(url_for("endpoints.table"))


@drift.page("/o/<slug>/check", who=Who.SUPERADMIN, title="Checks")
def progress(scope: Scope) -> ResponseReturnValue:
    return _progress(scope)


def _progress(scope: Scope) -> Response:
    """Shows the progress of a check. When it has ended, HX-Trigger reloads the table."""
    check_standing = standing.of(scope)
    answer = render.page("endpoints/check.html", standing=check_standing)
    if not check_standing.is_moving and request.method == "GET" and "after" not in request.args:
        answer.headers["HX-Trigger"] = "checked"
    return answer


@drift.page(
    "/check",
    who=Who.SUPERADMIN,
    methods=["POST"],
    action="Check all numbers of every organization",
    icon="check",
)
def check_everywhere(scope: Scope) -> ResponseReturnValue:
    organizations = directory.every(scope)
    for organization in organizations:
        runs.check_all(scope.for_organization(organization))
    if render.is_fragment_request():
        return _progress_everywhere(scope, again=MAX_POLLS)
    flash(messages.CHECKING_EVERYWHERE, "ok")
    return render.redirect_to(url_for("organizations.table"))


@drift.page("/check", who=Who.SUPERADMIN, title="Checks")
def progress_everywhere(scope: Scope) -> ResponseReturnValue:
    text = request.args.get("again", "")
    return _progress_everywhere(scope, again=int(text) if re.fullmatch("[0-9]{1,2}", text) else 0)


def _progress_everywhere(scope: Scope, *, again: int) -> Response:
    """Shows the progress of all checks; htmx polls `again` more times for their start.

    When they have ended, HX-Trigger reloads the table.
    """
    progress = standing.progress(scope)
    again = MAX_POLLS if progress.organizations else min(again, MAX_POLLS) - 1
    if not progress.due and not progress.organizations:
        again = 0
    answer = render.page("endpoints/check_everywhere.html", progress=progress, again=max(again, 0))
    if again <= 0 and request.method == "GET":
        answer.headers["HX-Trigger"] = "checked"
    return answer
