"""AI on a user's number: the effect, the agent that answers, and turning it on and off."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core.errors import Conflict, Invalid, PatchbayError, Stale, TooMany
from app.provider import Provider
from app.providers import trunks
from app.services.access import users
from app.services.scope import Scope
from app.services.voice_ai import last_calls, numbers, recovery, selection, trunk
from app.web.shell import render
from app.web.shell.forms import ConfirmForm, yes_or_no
from app.web.shell.guard import Pages, Who
from app.web.shell.history import history
from app.web.voice_ai import messages
from app.web.voice_ai.forms import AgentForm, AgentIdForm, agent_choice

ai_numbers = Pages("ai_numbers", __name__)

AT = "/o/<slug>/people/<user_id>/numbers/<number_id>/ai"


@ai_numbers.page(AT, who=Who.SUPERADMIN, title="AI on a number")
def show(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    return _page(scope, user_id, number_id)


def _page(
    scope: Scope, user_id: str, number_id: str, error: PatchbayError | None = None, **context: Any
) -> Response:
    """Returns the page. `typed` in the context is the chosen agent."""
    number = numbers.get(scope, users.get(scope, user_id), number_id)
    missing = numbers.lacking(scope, number)
    provider = selection.of_number(scope, number)
    chosen = context.pop("typed", None) or number.ai_agent_id
    form, unlisted = _form(scope, provider, chosen, can_list=not missing)
    if isinstance(error, Invalid):
        form.add_errors(error)
    elif error:
        form.form_errors.append(error.message)
    person = users.get(scope, user_id)
    response = render.page(
        "voice_ai/number.html",
        error.status if error else 200,
        person=person,
        number=numbers.get(scope, person, number_id),
        sharing=numbers.sharing(scope, number),
        history=history(scope, person.email, number.phone_number, kind="numbers"),
        missing=missing,
        caution="" if missing else _caution(scope, user_id, number_id),
        interrupted=recovery.interrupted(scope, number.phone_number),
        provider=provider,
        last_calls=context.pop("last_calls", None) or last_calls.of_number(scope, number),
        trunk=trunks()[number.provider],
        form=form,
        unlisted=unlisted,
        confirm=ConfirmForm(formdata=None),
        **{"is_stuck": False} | context,
    )
    return render.with_retry_after(response, error) if error else response


def _caution(scope: Scope, user_id: str, number_id: str) -> str:
    """Returns why calls may not reach the expected agent; empty if they do, or if AI is off."""
    number = numbers.get(scope, users.get(scope, user_id), number_id)
    return trunk.caution(scope, context.outbound(), number) if number.ai_enabled else ""


def _form(
    scope: Scope, provider: Provider, agent_id: str | None, *, can_list: bool
) -> tuple[AgentForm | AgentIdForm, str]:
    """Returns a choice of agents; if there are none, a field for an ID, and the reason."""
    try:
        agents = numbers.agents(scope, context.outbound(), provider) if can_list else []
    except Conflict as error:
        return AgentIdForm(formdata=None, ai_agent_id=agent_id), error.message
    if not agents:
        return AgentIdForm(formdata=None, ai_agent_id=agent_id), messages.no_agents(provider.label)
    return agent_choice([(agent.id, agent.name) for agent in agents], agent_id, provider.label), ""


@ai_numbers.page(AT, who=Who.SUPERADMIN, methods=["POST"])
def enable(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    agent_id = (AgentIdForm().ai_agent_id.data or "").strip()
    try:
        draft = numbers.read({"aiEnabled": True, "aiAgentId": agent_id})
        number = numbers.update(scope, context.outbound(), user, number_id, draft)
    except (Invalid, Conflict, Stale) as error:
        return _page(scope, user_id, number_id, error, typed=agent_id)
    if caution := trunk.caution(scope, context.outbound(), number):
        flash(messages.ai_on_unproven(number.phone_number, caution), "warn")
    else:
        flash(messages.ai_on(number.phone_number), "ok")
    return _back(user_id)


@ai_numbers.page(f"{AT}/off", who=Who.SUPERADMIN, methods=["POST"])
def disable(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    here_only = yes_or_no("here_only")
    user = users.get(scope, user_id)
    try:
        number = numbers.disable(scope, context.outbound(), user, number_id, here_only=here_only)
    except (Conflict, Stale) as error:
        return _page(scope, user_id, number_id, error, is_stuck=isinstance(error, Conflict))
    flash(messages.ai_off(number.phone_number, here_only=here_only), "ok")
    return _back(user_id)


@ai_numbers.page(f"{AT}/last-call", who=Who.SUPERADMIN, methods=["POST"])
def read_last_calls(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    """Reads the last call from the trunk and from the agent's provider."""
    number = numbers.get(scope, users.get(scope, user_id), number_id)
    try:
        reports = last_calls.refresh(scope, context.outbound(), number)
    except (Conflict, TooMany) as error:
        return _page(scope, user_id, number_id, error)
    if any(report.failure for report in reports):
        return _page(scope, user_id, number_id, last_calls=reports)
    return render.redirect_to(
        url_for("ai_numbers.show", user_id=user_id, number_id=number_id, _anchor="last_calls")
    )


def _back(user_id: str) -> Response:
    return render.redirect_to(url_for("people.show", user_id=user_id))
