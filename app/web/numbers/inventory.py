"""The numbers in a provider's account: listed, searched, and imported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core import phone, texts
from app.core.errors import Conflict, Invalid, TooMany
from app.provider import Family, Provider
from app.services.access import users
from app.services.connections import store
from app.services.connections.gateway import ProviderCallFailed
from app.services.endpoints import listing
from app.services.numbers import imports
from app.services.numbers import inventory as numbers_inventory
from app.services.numbers import messages as service_messages
from app.services.numbers.claims import Claim
from app.services.numbers.inventory import Inventory, Owned
from app.services.scope import Scope
from app.web.numbers import messages
from app.web.numbers.forms import ImportForm
from app.web.shell import connection_states, next_step, render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

numbers = Pages("numbers", __name__)


@numbers.page(
    "/o/<slug>/numbers",
    who=Who.SUPERADMIN,
    title="Import numbers",
    link=Link(Section.CALLS, 40, in_navigation=False, icon="import"),
    guide="import-numbers",
)
def choose(scope: Scope) -> ResponseReturnValue:
    """Shows the providers whose numbers can be imported."""
    states = store.load_all(scope, numbers_inventory.listing_providers())
    state_of = partial(connection_states.state_of, scope)
    return render.page("numbers/choose.html", states=states, state_of=state_of)


@numbers.page(
    "/o/<slug>/providers/<key>/numbers",
    who=Who.SUPERADMIN,
    title="Numbers at a provider",
    guide="import-numbers",
)
def show(scope: Scope, key: str) -> ResponseReturnValue:
    """Shows the page. htmx loads the list separately, because the provider may be slow."""
    provider = store.provider_of(key)
    form = _form(scope)
    try:
        numbers_inventory.connection_for_listing(scope, provider)
    except Conflict as error:
        return _page(scope, provider, form, problem=error.message)
    has_list = "list" in request.args or render.is_fragment_request("numbers")
    return _listed(scope, provider, form) if has_list else _page(scope, provider, form)


@numbers.page("/o/<slug>/providers/<key>/numbers/endpoints", who=Who.SUPERADMIN, methods=["POST"])
def import_endpoints(scope: Scope, key: str) -> ResponseReturnValue:
    provider = store.provider_of(key)
    form = _form(scope)
    agents = form.agents()
    try:
        rows = imports.import_endpoints(scope, context.outbound(), provider, _selected(), agents)
    except ProviderCallFailed as error:
        return render.with_retry_after(
            _page(scope, provider, form, error.status, problem=error.message), error
        )
    except (Invalid, Conflict) as error:
        return _refused(scope, provider, form, error)
    agent = agents["inbound_agent_name"] or agents["outbound_agent_name"]
    result = {"imported": str(len(rows))} | ({"agent": agent} if agent else {})
    address = url_for("numbers.show", key=provider.key)
    return render.redirect_to(f"{address}?{urlencode(_wanted() | result)}")


@numbers.page("/o/<slug>/providers/<key>/numbers/person", who=Who.SUPERADMIN, methods=["POST"])
def assign(scope: Scope, key: str) -> ResponseReturnValue:
    provider = store.provider_of(key)
    form = _form(scope)
    ticked = _selected()
    try:
        chosen = form.user_id.data or ""
        user = imports.import_voice_numbers(scope, context.outbound(), provider, ticked, chosen)
    except ProviderCallFailed as error:
        return render.with_retry_after(
            _page(scope, provider, form, error.status, problem=error.message), error
        )
    except (Invalid, Conflict) as error:
        return _refused(scope, provider, form, error)
    flash(messages.assigned(user.name, len(set(ticked))), "ok")
    return render.redirect_to(url_for("people.show", user_id=user.id))


def _form(scope: Scope) -> ImportForm:
    able = (person for person in users.every(scope) if person.disabled_at is None)
    return ImportForm([(person.id, messages.user_choice(person.name, person.email)) for person in able])


def _selected() -> list[str]:
    return request.form.getlist("number")


def _refused(scope: Scope, provider: Provider, form: ImportForm, error: Invalid | Conflict) -> Response:
    """Shows the present list with the selection, the input and the errors. Nothing was imported."""
    if isinstance(error, Conflict):
        form.form_errors.append(error.message)
    else:
        loose = [problem.message for problem in error.problems if problem.field not in form]
        form.form_errors.extend(loose)
        form.add_errors(Invalid([problem for problem in error.problems if problem.field in form]))
    if not numbers_inventory.can_list(provider):
        raise error
    reasons = error.reasons if isinstance(error, imports.Refused) else {}
    return _listed(scope, provider, form, error.status, reasons)


def _listed(
    scope: Scope,
    provider: Provider,
    form: ImportForm,
    status: int = 200,
    reasons: Mapping[str, str] | None = None,
) -> Response:
    try:
        inventory = numbers_inventory.list_owned(scope, context.outbound(), provider)
    except (Conflict, TooMany) as error:
        page = _page(scope, provider, form, error.status, problem=error.message, reasons=reasons)
        return render.with_retry_after(page, error)
    return _page(scope, provider, form, status, inventory=inventory, reasons=reasons)


def _wanted() -> dict[str, str]:
    """Returns the filter and order in the request's query."""
    text = request.args.get("q", "").strip()[:100]
    state, order = request.args.get("state", ""), request.args.get("sort", "")
    view = ({"q": text} if text else {}) | ({"state": state} if state in list(Claim) else {})
    return view | ({"sort": order} if order.removeprefix("-") in numbers_inventory.SORTS else {})


def _page(
    scope: Scope,
    provider: Provider,
    form: ImportForm,
    status: int = 200,
    *,
    inventory: Inventory | None = None,
    problem: str = "",
    reasons: Mapping[str, str] | None = None,
) -> Response:
    """Returns the page.

    Without inventory and problem, it loads the list; `reasons` are those of refused numbers.
    """
    view = _wanted()
    state = Claim(view["state"]) if "state" in view else None
    order = view.get("sort", "number")
    matches = inventory.ordered(inventory.matching(view.get("q", ""), state), order) if inventory else []
    ticked = _selected()[: imports.MAX_NUMBERS] if inventory or problem else []
    reasons = reasons or {}
    first = _selected_first(scope, provider, inventory, matches, ticked)[: imports.MAX_NUMBERS]
    rows = [_row(provider, row, reasons) for row in first]
    imported = request.args.get("imported", "")
    return render.page(
        "numbers/show.html",
        status,
        provider=provider,
        form=form,
        problem=problem,
        inventory=inventory,
        rows=sorted(rows, key=lambda row: not row["wrong"]),
        match_count=len(matches),
        view=view,
        query=urlencode(view),
        is_filtered=bool(view.keys() - {"sort"}),
        order=order,
        orders={name: urlencode(view | {"sort": name}) for name in _orders()},
        ticked=set(ticked),
        most=numbers_inventory.MOST,
        unusable=service_messages.UNUSABLE,
        agents=listing.agents(scope),
        to_endpoints=numbers_inventory.can_import_as_endpoints(provider),
        to_people=numbers_inventory.voice_key(provider) is not None,
        form_address=_form_address(provider),
        imported=texts.count_of(int(imported), "number") if re.fullmatch("[0-9]{1,4}", imported) else "",
        filtered=urlencode({"provider": provider.key} | _imported_for()),
        next_step=next_step.button(scope) if imported else None,
    )


def _orders() -> list[str]:
    return [sign + name for name in numbers_inventory.SORTS for sign in ("", "-")]


def _selected_first(
    scope: Scope, provider: Provider, inventory: Inventory | None, matches: list[Owned], ticked: list[str]
) -> list[Owned]:
    """Returns the selected numbers, even if not in the filter or the list, and then the others."""
    if not ticked:
        return matches
    listed = inventory.rows if inventory else []
    ticked_rows = [row for row in listed if row.number.phone_number in ticked]
    missing = sorted(set(ticked) - {row.number.phone_number for row in ticked_rows})
    others = [row for row in matches if row.number.phone_number not in ticked]
    return [*numbers_inventory.without_listing(scope, provider, missing), *ticked_rows, *others]


def _imported_for() -> dict[str, str]:
    agent = request.args.get("agent", "")
    return {"agent": agent} if agent else {}


def _form_address(provider: Provider) -> str:
    if provider.families == (Family.VOICE_AI,):
        return url_for("voice_ai.show", tab=provider.key)
    return url_for("providers.show", key=provider.key)


def _row(provider: Provider, row: Owned, reasons: Mapping[str, str]) -> dict[str, Any]:
    claims = row.claims
    refused = reasons.get(row.number.phone_number)
    place = None
    if numbers_inventory.can_import_as_endpoints(provider) and claims.endpoint_id:
        place = url_for("endpoints.show", endpoint_id=claims.endpoint_id)
    elif row.state is Claim.MAPPED and claims.user_id:
        place = url_for("people.show", user_id=claims.user_id)
    return {
        "number": row.number.phone_number,
        "shown": phone.display(row.number.phone_number),
        "label": row.number.label,
        "state": row.state.value,
        "place": place,
        "url": row.number.webhook_url,
        "instead": messages.called_instead(row.number),
        "tickable": bool(refused) or _is_tickable(provider, row),
        "usable": imports.is_usable(row.number.phone_number),
        "wrong": messages.wrong(refused) if refused else "",
    }


def _is_tickable(provider: Provider, row: Owned) -> bool:
    """Whether the row can be selected. An imported number can still be assigned to another user."""
    if row.claims.in_other_organization or not imports.is_usable(row.number.phone_number):
        return False
    is_free = row.state is Claim.UNMAPPED and numbers_inventory.can_import_as_endpoints(provider)
    return is_free or numbers_inventory.voice_key(provider) is not None
