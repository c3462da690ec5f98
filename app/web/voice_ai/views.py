"""The voice AI providers, the default one, their call webhooks, and the tool secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core.errors import Conflict, NotFound, TryLater
from app.provider import Capability, Family, Provider
from app.providers import PROVIDERS, in_family, is_trunk, keys_in, trunks
from app.services.audit.actions import Action
from app.services.connections import check_days, health, proof, store
from app.services.connections.health import Health
from app.services.connections.store import StoredConnection
from app.services.connections.verification import Tested
from app.services.drift import standing
from app.services.numbers import inventory
from app.services.providers import active
from app.services.providers import history as provider_history
from app.services.scope import Scope
from app.services.status import outages
from app.services.status.places import Place
from app.services.voice_ai import config, selection, trunk, webhook, webhook_checks
from app.services.voice_ai.webhook import State, Status
from app.web.providers import views as provider_views
from app.web.providers.fields import for_provider
from app.web.shell import connection_states, render
from app.web.shell.conflicts import Clash, reconfirm_when_stale
from app.web.shell.forms import ConfirmForm, Form
from app.web.shell.guard import Pages, Who, confirm_password, needs_password
from app.web.shell.history import history
from app.web.shell.places import KEY
from app.web.shell.registry import Entry, Link, Section
from app.web.voice_ai import messages
from app.web.voice_ai.forms import ToolSecretForm

voice_ai = Pages("voice_ai", __name__)

TONES = {State.ACTIVE: "ok", State.FAILED: "bad"}
TOOL_SECRET = "tool-secret"  # noqa: S105  the name of a tab


def _state(scope: Scope, **_values: str) -> Health:
    return connection_states.worst(scope, keys_in(Family.VOICE_AI))


def _tabs() -> dict[str, str]:
    """Returns the labels of the providers' tabs and of the tool secret's, by name in addresses."""
    tabs = {provider.key: provider.label for provider in in_family(Family.VOICE_AI)}
    has_secret = any(map(config.tool_secret_field, selection.having(Capability.AGENTS)))
    return tabs | ({TOOL_SECRET: messages.TOOL_SECRET} if has_secret else {})


def _entries() -> Iterator[Entry]:
    """Yields the link to the page, and for the palette one to each of its tabs."""
    yield Entry(messages.VOICE_AI, {})
    for tab, label in _tabs().items():
        yield Entry(label, {"tab": tab}, in_navigation=False)


@voice_ai.page(
    "/o/<slug>/voice-ai",
    who=Who.SUPERADMIN,
    title=messages.VOICE_AI,
    link=Link(Section.PROVIDERS, 20, icon="sparkle", key="v", state=_state, entries=_entries),
    words="disconnect credentials webhook",
    places={
        Place.VOICE_AI: {},
        Place.CALL_WEBHOOK: {"_anchor": "webhook"},
        Place.AI_NUMBERS: {"tab": KEY, "_anchor": "numbers"},
    },
)
def show(scope: Scope) -> ResponseReturnValue:
    """Shows the `tab`: a provider's key or the tool secret, by default the first provider."""
    tab = _tab()
    if tab == TOOL_SECRET:
        return _page(scope, tab, _tool_secret_context(scope))
    state = store.load(scope, store.provider_of(tab))
    return _form_page(scope, state, for_provider(state, fresh=True))


@voice_ai.page("/o/<slug>/voice-ai", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope) -> ResponseReturnValue:
    """Saves the form of the tab. With `test`, for browsers without JavaScript, tests it instead."""
    tab = _tab()
    if tab == TOOL_SECRET:
        raise NotFound(messages.NO_TAB)
    act = provider_views.test_form if request.args.get("test") else provider_views.save_form
    return act(scope, tab, _form_page)


def _tab() -> str:
    tabs = _tabs()
    tab = request.args.get("tab") or next(iter(tabs))
    if tab not in tabs:
        raise NotFound(messages.NO_TAB)
    return tab


def _form_page(
    scope: Scope,
    state: StoredConnection,
    form: Form,
    status: int = 200,
    *,
    conflicts: Clash | None = None,
    tested: Tested | None = None,
    retype: bool = False,
) -> Response:
    """Returns the tab of a provider, with its form as it was submitted."""
    shown = _provider_context(scope, state) | {"form": form, "conflicts": conflicts, "retype": retype}
    shown |= {"ask_password": needs_password() and status != 200} | provider_views.of_test(tested)
    return _page(scope, state.provider.key, shown, status)


def _page(scope: Scope, tab: str, shown: dict[str, Any], status: int = 200) -> Response:
    states = store.load_all(scope, in_family(Family.VOICE_AI))
    checks = proof.last_of_all(scope)
    return render.page(
        "voice_ai/show.html",
        status,
        tab=tab,
        tabs=_tabs(),
        holds={key: f"{key} numbers" for key in states if is_trunk(key)},
        states=states,
        health={key: health.of(state, checks.get(key)) for key, state in states.items()},
        **shown,
    )


def _tool_secret_context(scope: Scope) -> dict[str, Any]:
    state = config.tool_secret_state(scope)
    field = config.tool_secret_field(state.provider)
    return {
        "provider": None,
        "agents": state.provider,
        "has_tool_secret": field is not None,
        "tool_secret": field and state.secrets.get(field.name),
        "history": history(scope, state.provider.label, kind=Action.CONNECTION_SAVED),
    }


def _provider_context(scope: Scope, state: StoredConnection) -> dict[str, Any]:
    provider = state.provider
    last = proof.last(scope, provider)
    chooses = provider.key in active.choices(Family.VOICE_AI)
    check = proof.last(scope, provider)
    subjects = [active.FAMILY_WORDS[Family.VOICE_AI]] if chooses else []
    carriers = [key for key, trunk in trunks().items() if trunk.key == provider.key]
    return {
        "provider": provider,
        "check": check,
        "webhook": webhook.statuses(scope).get(provider.key),
        "webhook_is_made": webhook.is_made(state),
        "can_list": inventory.can_list(provider) and state.is_configured,
        "carriers": [PROVIDERS[key].label for key in carriers],
        "numbers": [row for row in config.config(scope)["phoneNumbers"] if row["provider"] in carriers],
        "verdicts": trunk.verdicts(scope),
        "history": provider_history.changes(scope, provider),
        "subjects": [provider.label, *subjects],
        "last_test": health.of_test(check),
        "evidence": check and proof.LABELS[check.evidence],
        "check_days": check_days.of_subject(scope, provider.key),
        "outages": outages.of_subject(scope, provider.key),
        "failed_run": standing.failed_run(scope, provider.key, last.checked_at if last else None),
        **(_choice_context(scope) if chooses else {"choices": ()}),
    }


def _choice_context(scope: Scope) -> dict[str, Any]:
    stored = active.active(scope, Family.VOICE_AI)
    return {
        "choices": active.choices(Family.VOICE_AI),
        "chosen": request.form.get("provider", stored),
        "stored": stored,
        "choice_form": ConfirmForm(version=str(scope.organization.version)),
        "live": sum(row["aiEnabled"] for row in config.config(scope)["phoneNumbers"]),
    }


@voice_ai.page("/o/<slug>/voice-ai/choice", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(show)
def choose(scope: Scope) -> ResponseReturnValue:
    key = request.form.get("provider") or None
    form = ConfirmForm()
    config.choose(scope, key, reason=form.why, version=form.submitted_version)
    flash(messages.CHOICE_SAVED, "ok")
    return render.redirect_to(url_for("voice_ai.show", tab=request.args.get("tab")))


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
    """Generates a tool secret and shows it once."""
    form = ToolSecretForm()
    with form.refusals(partial(_tool_secret, scope, form), {TryLater: "your_password"}):
        trusted = confirm_password(scope, form.your_password.data)
        secret = config.generate_tool_secret(trusted, context.outbound(), version=form.submitted_version)
    return render.page("voice_ai/tool_secret_once.html", secret=secret)


@voice_ai.page("/o/<slug>/voice-ai/webhook", who=Who.SUPERADMIN, methods=["POST"])
def set_up_webhook(scope: Scope) -> ResponseReturnValue:
    """Sets up `provider`'s call webhook; `replace` is the id of a webhook that it may replace."""
    replace = request.form.get("replace") or None
    return _run_and_flash(partial(webhook.set_up, scope, context.outbound(), replace=replace))


@voice_ai.page("/o/<slug>/voice-ai/webhook/check", who=Who.SUPERADMIN, methods=["POST"])
def check_webhook(scope: Scope) -> ResponseReturnValue:
    """Checks the call webhook, without a change at the provider."""
    return _run_and_flash(partial(webhook_checks.inspect, scope, context.outbound()))


def _reporting_provider() -> Provider:
    """Returns the provider that the form names. Raises NotFound if it does not report calls."""
    keys = [provider.key for provider in webhook.providers()]
    provider = store.provider_of(request.form.get("provider", keys[0]))
    if provider.key not in keys:
        raise NotFound(messages.no_call_reports(provider.label))
    return provider


def _run_and_flash(operation: Callable[[Provider], Status]) -> ResponseReturnValue:
    """Runs the operation and flashes the webhook's state, or the error."""
    provider = _reporting_provider()
    try:
        status = operation(provider)
    except Conflict as error:
        flash(error.message, "warn")
    else:
        flash(status.reason or messages.WEBHOOK_WORKS, TONES.get(status.state, "warn"))
    return render.redirect_to(url_for("voice_ai.show", tab=provider.key, _anchor="webhook"))
