"""Many endpoints at once: what is selected is shown, and asked about, before anything is changed."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from app.core import phone, texts
from app.core.errors import Conflict, Invalid, Problem
from app.services.endpoints import bulk, listing
from app.services.endpoints.bulk import Done, Selection
from app.services.scope import Scope
from app.web.endpoints.forms import ManyEndpointsForm
from app.web.endpoints.query import back, filter_from_request, query_string
from app.web.shell import render
from app.web.shell.forms import text_or_none
from app.web.shell.guard import Pages, Who
from app.web.shell.history import flash_undo

many_endpoints = Pages("many_endpoints", __name__)

DONE = {
    "activate": "{many} active now.",
    "deactivate": "{many} inactive now, and answered by nobody.",
    "inbound": "{many} answered by {agent} now.",
    "outbound": "{many} dialled from by {agent} now.",
    "delete": "{many} deleted.",
}
AGENTS = {"inbound": "inbound_agent_name", "outbound": "outbound_agent_name"}


@many_endpoints.page("/o/<slug>/endpoints/many", who=Who.SUPERADMIN, title="Many endpoints")
def confirm(scope: Scope) -> ResponseReturnValue:
    return _confirm(scope, ManyEndpointsForm())


def _confirm(scope: Scope, form: ManyEndpointsForm, status: int = 200, problem: str = "") -> Response:
    selection, what = _selection(), _what()
    found = bulk.affected(scope, selection) if selection and what else None
    form.count.data = str(found.count) if found else ""
    return render.page(
        "endpoints/many.html",
        status,
        form=form,
        what=what,
        field=form[AGENTS[what]] if what in AGENTS else None,
        found=found,
        shown=[phone.display(number) for number in found.numbers] if found else [],
        filter_words=bulk.words(selection.wanted, texts.bidi_isolate) if selection.wanted else "",
        is_all=selection.wanted is not None,
        problem=problem,
        query=query_string(),
        address=request.full_path,
        agents=listing.agents(scope) if what in AGENTS else [],
    )


def _what() -> str | None:
    what = request.args.get("do")
    return what if what in DONE else None


def _selection() -> Selection:
    """`all` is everything that the filter of the same address shows."""
    if request.args.get("all") == "yes":
        return Selection(wanted=filter_from_request())
    return Selection(ids=request.args.getlist("id"))


@many_endpoints.page("/o/<slug>/endpoints/many", who=Who.SUPERADMIN, methods=["POST"])
def apply(scope: Scope) -> ResponseReturnValue:
    form, selection, what = ManyEndpointsForm(), _selection(), _what()
    if not selection or what is None:
        return _confirm(scope, form, 422)
    try:
        done = _apply(scope, selection, what, form)
    except Invalid as error:
        form.add_errors(error)
        return _confirm(scope, form, 422)
    except Conflict as error:
        return _confirm(scope, form, error.status, error.message)
    flash_undo(_told(what, form, done.count), done.event_id)
    return back()


def _apply(scope: Scope, selection: Selection, what: str, form: ManyEndpointsForm) -> Done:
    if what == "delete":
        return bulk.remove(scope, selection, seen=form.seen, reason=form.why)
    changes: dict[str, Any] = {"is_active": what == "activate"}
    if what in AGENTS:
        changes = {AGENTS[what]: _agent(form, AGENTS[what])}
    return bulk.change(scope, selection, changes, seen=form.seen, reason=form.why)


def _agent(form: ManyEndpointsForm, name: str) -> str | None:
    """None is asked for by a tick: a field that was forgotten takes no agent away."""
    agent = text_or_none(form[name])
    if agent is None and not form.nobody.data:
        raise Invalid([Problem(name, "Write who it is to be, or tick that their agent is taken away.")])
    if agent and form.nobody.data:
        raise Invalid([Problem(name, "There is an agent here, and a tick that it is taken away. Keep one.")])
    return agent


def _told(what: str, form: ManyEndpointsForm, count: int) -> str:
    if not count:
        return "Nothing had to be changed: they were all so already."
    many = f"{count:,} {'endpoint is' if count == 1 else 'endpoints are'}"
    agent = text_or_none(form[AGENTS[what]]) or "nobody" if what in AGENTS else ""
    rest = (form.seen or 0) - count
    told = DONE[what].format(many=many, agent=texts.bidi_isolate(agent))
    return f"{told} {rest:,} had been so already." if rest > 0 else told
