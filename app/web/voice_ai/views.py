"""The voice AI providers, the active one, their call webhooks, and the tool secret."""

from __future__ import annotations

from functools import partial

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core.errors import Conflict, NotFound, TryLater
from app.provider import Capability, Family
from app.providers import PROVIDERS, in_family, keys_in
from app.services.connections import health, proof, store
from app.services.connections.health import Health
from app.services.numbers import inventory
from app.services.providers import active
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.voice_ai import config, selection, webhook
from app.services.voice_ai.webhook import State
from app.web.providers.fields import for_provider
from app.web.shell import connection_states, render
from app.web.shell.conflicts import reconfirm_when_stale
from app.web.shell.forms import ConfirmForm
from app.web.shell.guard import Pages, Who, confirm_password
from app.web.shell.history import history
from app.web.shell.registry import Link, Section
from app.web.voice_ai import messages
from app.web.voice_ai.forms import ToolSecretForm

voice_ai = Pages("voice_ai", __name__)

TONES = {State.ACTIVE: "ok", State.FAILED: "bad"}


def _state(scope: Scope) -> Health:
    return connection_states.worst(scope, keys_in(Family.VOICE_AI))


@voice_ai.page(
    "/o/<slug>/voice-ai",
    who=Who.SUPERADMIN,
    title="Voice AI",
    link=Link(Section.PROVIDERS, 20, state=_state),
    places={Place.VOICE_AI: {}, Place.CALL_WEBHOOK: {"_anchor": "webhook"}},
)
def show(scope: Scope) -> ResponseReturnValue:
    states = store.load_all(scope, in_family(Family.VOICE_AI))
    checks = proof.last_of_all(scope)
    secret_state = config.tool_secret_state(scope)
    field = config.tool_secret_field(secret_state.provider)
    return render.page(
        "voice_ai/show.html",
        states=states,
        webhooks=webhook.statuses(scope),
        webhook_is_made={key: webhook.is_made(state) for key, state in states.items()},
        checks=checks,
        health={key: health.of(state, checks.get(key)) for key, state in states.items()},
        listing=[
            key for key, state in states.items() if inventory.can_list(state.provider) and state.is_configured
        ],
        forms={key: for_provider(state, fresh=True) for key, state in states.items()},
        choices=active.choices(Family.VOICE_AI),
        chosen=request.form.get("provider", active.active(scope, Family.VOICE_AI)),
        stored=active.active(scope, Family.VOICE_AI),
        form=ConfirmForm(version=str(scope.organization.version)),
        has_tool_secret=field is not None,
        tool_secret=field and secret_state.secrets.get(field.name),
        numbers=config.config(scope)["phoneNumbers"],
        carriers=[PROVIDERS[key].label for key in selection.trunks()],
        history=history(
            scope,
            active.FAMILY_WORDS[Family.VOICE_AI],
            *[state.provider.label for state in states.values()],
        ),
    )


@voice_ai.page("/o/<slug>/voice-ai/choice", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(show)
def choose(scope: Scope) -> ResponseReturnValue:
    key = request.form.get("provider") or None
    form = ConfirmForm()
    config.choose(scope, key, reason=form.why, version=form.version_sent)
    flash(messages.CHOICE_SAVED, "ok")
    return render.redirect_to(url_for("voice_ai.show"))


@voice_ai.page("/o/<slug>/voice-ai/tool-secret", who=Who.SUPERADMIN, title="Generate a tool secret?")
def confirm_tool_secret(scope: Scope) -> ResponseReturnValue:
    return _tool_secret(scope, ToolSecretForm(version=str(config.tool_secret_state(scope).version)))


def _tool_secret(scope: Scope, form: ToolSecretForm, status: int = 200) -> Response:
    state = config.tool_secret_state(scope)
    field = config.tool_secret_field(state.provider)
    stored = field and state.secrets.get(field.name)
    return render.page("voice_ai/tool_secret.html", status, form=form, stored=stored)


@voice_ai.page("/o/<slug>/voice-ai/tool-secret", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(confirm_tool_secret, *[one.label for one in selection.having(Capability.AGENTS)])
def generate_tool_secret(scope: Scope) -> ResponseReturnValue:
    """The new secret is shown only once."""
    form = ToolSecretForm()
    with form.refusals(partial(_tool_secret, scope, form), {TryLater: "your_password"}):
        trusted = confirm_password(scope, form.your_password.data)
        secret = config.generate_tool_secret(trusted, context.outbound(), version=form.version_sent)
    return render.page("voice_ai/tool_secret_once.html", secret=secret)


@voice_ai.page("/o/<slug>/voice-ai/webhook", who=Who.SUPERADMIN, methods=["POST"])
def set_up_webhook(scope: Scope) -> ResponseReturnValue:
    """`provider` reports the calls; `replace` is the id of another webhook that ours may replace."""
    keys = [provider.key for provider in webhook.providers()]
    provider = store.provider_of(request.form.get("provider", keys[0]))
    if provider.key not in keys:
        raise NotFound(messages.no_call_reports(provider.label))
    replace = request.form.get("replace") or None
    try:
        status = webhook.set_up(scope, context.outbound(), provider, replace=replace)
    except Conflict as error:
        flash(error.message, "warn")
    else:
        flash(status.reason or messages.WEBHOOK_WORKS, TONES.get(status.state, "warn"))
    return render.redirect_to(url_for("voice_ai.show") + "#webhook")
