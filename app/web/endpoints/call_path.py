"""Tracing a number: how calls to it and from it are routed."""

from __future__ import annotations

from flask import Response, request
from flask.typing import ResponseReturnValue

from app import context
from app.core import phone
from app.core.errors import Invalid, TooMany
from app.models import Verdict
from app.services.drift import tallies
from app.services.endpoints import paging, readiness
from app.services.endpoints.listing import Filter
from app.services.scope import Scope
from app.services.status import call_path
from app.services.status.call_path import NumberStatus, Owners
from app.web.endpoints.forms import NumberSearchForm
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

traces = Pages("traces", __name__)

SHOWN = 8
"""How many numbers the page shows before one is traced."""


@traces.page(
    "/o/<slug>/trace",
    who=Who.SUPERADMIN,
    title="Trace a number",
    link=Link(Section.CALLS, 50, icon="route", key="t"),
    former="/o/<slug>/who-answers",
)
def show(scope: Scope) -> ResponseReturnValue:
    """Traces a number. With `look`, queries the provider; without it, shows the last results."""
    form = NumberSearchForm(formdata=request.args)
    text = (form.number.data or "").strip()
    if not text:
        return _show_choices(scope, form)
    try:
        return _trace(scope, form, text)
    except Invalid as error:
        form.number.errors = [problem.message for problem in error.problems]
        return _show_choices(scope, form, 422)


def _show_choices(scope: Scope, form: NumberSearchForm, status: int = 200) -> Response:
    """Shows the form, and numbers to choose from: unhealthy ones first, then the newest."""
    unhealthy = paging.page(scope, Filter(health=Verdict.UNHEALTHY), limit=SHOWN).rows
    newest = paging.page(scope, Filter(), limit=SHOWN, sort="-created").rows
    rows = list(dict.fromkeys([*unhealthy, *newest]))[:SHOWN]
    return render.page(
        "endpoints/call_path.html",
        status,
        form=form,
        country=_country(scope),
        answer=None,
        numbers=rows,
        checks=tallies.of_numbers(scope, [row.phone_number for row in rows]),
        readiness=readiness.load(scope),
    )


def _trace(scope: Scope, form: NumberSearchForm, text: str) -> Response:
    is_checked, owners, busy = "look" in request.args, None, ""
    answer = call_path.find(scope, text)
    if is_checked:
        try:
            answer, owners = _query_providers(scope, answer)
        except TooMany as error:
            busy = error.message
    return render.page(
        "endpoints/call_path.html",
        form=form,
        country=_country(scope),
        answer=answer,
        inbound=answer.paths.get("inbound"),
        shown=phone.display(answer.number),
        is_checked=is_checked,
        owners=owners,
        busy=busy,
    )


def _country(scope: Scope) -> str | None:
    """Returns the default country with its calling code."""
    code = scope.organization.country
    return f"{phone.country_names().get(code, code)} (+{phone.calling_code(code)})" if code else None


def _query_providers(scope: Scope, answer: NumberStatus) -> tuple[NumberStatus, Owners | None]:
    """Queries the endpoint's provider, or searches every account for an unknown number."""
    if answer.endpoint:
        return call_path.find(scope, answer.number, http=context.outbound()), None
    owners = None
    if not answer.is_known and not answer.is_elsewhere:
        owners = call_path.owners(scope, context.outbound(), answer.number)
    return call_path.find(scope, answer.number), owners
