"""The address that a provider's application calls: seen as it is there, and set after a look."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core import phone
from app.core.errors import Conflict, Invalid, Stale, TooMany
from app.provider import Provider
from app.services.audit.actions import Action
from app.services.connections import store
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.webhooks import application, voice_numbers
from app.services.webhooks.application import Seen
from app.services.webhooks.voice_numbers import Plan
from app.web.providers.forms import CallbackForm, DigestForm
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.history import history

callback = Pages("callback", __name__)

MOST_SHOWN = 50
"""Of the people's numbers, those that drifted first."""


@callback.page(
    "/o/<slug>/providers/<key>/callback",
    who=Who.SUPERADMIN,
    title="Callback",
    places={Place.CALLBACK: {}},
)
def show(scope: Scope, key: str) -> ResponseReturnValue:
    provider = application.provider_of(key)
    form = CallbackForm(url=store.load(scope, provider).callback_url)
    try:
        return _page(scope, provider, form, seen=application.look(scope, context.outbound(), provider))
    except Conflict as error:
        title = f"What {provider.label} has now is not known."
        return _page(scope, provider, form, trouble=(title, error.message))


@callback.page("/o/<slug>/providers/<key>/callback", who=Who.SUPERADMIN, methods=["POST"])
def point(scope: Scope, key: str) -> ResponseReturnValue:
    """Shows first what it would change; sets it where that was seen."""
    provider = application.provider_of(key)
    form = CallbackForm()
    text, digest = form.url.data or "", form.seen.data
    try:
        if not digest:
            url, seen = application.plan(scope, context.outbound(), provider, text)
            return _confirm(provider, form, url, seen)
        _tell(provider, application.point(scope, context.outbound(), provider, text, digest=digest))
    except Invalid as error:
        form.add_errors(error)
        return _page(scope, provider, form, 422)
    except Stale as error:
        return _confirm(provider, form, text, error.current, 412, changed=error.message)
    except Conflict as error:
        return _page(scope, provider, form, 409, trouble=("That did not work.", error.message))
    except TooMany as error:
        form.form_errors.append(error.message)
        return _page(scope, provider, form, 429)
    return render.redirect_to(url_for("callback.show", key=key))


def _tell(provider: Provider, after: Seen | None) -> None:
    if after is None:
        flash(f"{provider.label} took the address, but does not say any more what it calls.", "warn")
    elif after.reason:
        flash(f"{provider.label} took the address, but tells another one. Look again in a moment.", "warn")
    else:
        flash(f"{provider.label} calls the new address from now on.", "ok")


def _page(scope: Scope, provider: Provider, form: CallbackForm, status: int = 200, **more: Any) -> Response:
    under = scope.organization.public_base_url or "your public base URL"
    form.url.description = (
        f"Where your dialer or agent runtime takes what {provider.label} sends when a call comes in: "
        f"usually an address under {under}."
    )
    held = voice_numbers.assigned_numbers(scope, provider)
    return render.page(
        "providers/callback.html",
        status,
        provider=provider,
        form=form,
        stored=store.load(scope, provider).callback_url,
        held=held[:MOST_SHOWN],
        hidden_numbers=len(held) - MOST_SHOWN,
        history=history(scope, provider.label, kind=Action.CALLBACK_SET),
        **{"seen": None, "trouble": None} | more,
    )


def _confirm(
    provider: Provider, form: CallbackForm, url: str, seen: Seen, status: int = 200, *, changed: str = ""
) -> Response:
    form.seen.data = seen.digest
    return render.page(
        "providers/callback_confirm.html",
        status,
        provider=provider,
        form=form,
        url=url,
        seen=seen,
        changed=changed,
    )


@callback.page(
    "/o/<slug>/providers/<key>/callback/numbers/<number>", who=Who.SUPERADMIN, title="Number on the callback"
)
def see_number(scope: Scope, key: str, number: str) -> ResponseReturnValue:
    """What the provider has for a person's number now, before it is put on the application."""
    provider = application.provider_of(key)
    try:
        return _confirm_number(provider, voice_numbers.plan(scope, context.outbound(), provider, number))
    except Conflict as error:
        return _number_trouble(scope, provider, number, error, 200)


@callback.page("/o/<slug>/providers/<key>/callback/numbers/<number>", who=Who.SUPERADMIN, methods=["POST"])
def put_number(scope: Scope, key: str, number: str) -> ResponseReturnValue:
    """Puts the number on the application where what was shown is still there."""
    provider = application.provider_of(key)
    seen = DigestForm().seen.data or ""
    try:
        after = voice_numbers.attach(scope, context.outbound(), provider, number, seen=seen)
    except Stale as error:
        return _confirm_number(provider, error.current, error.status, changed=error.message)
    except (Conflict, TooMany) as error:
        return _number_trouble(scope, provider, number, error, error.status)
    shown = phone.display(number)
    if after.in_sync:
        flash(f"{shown} is on this application now, and calls the right address.", "ok")
    else:
        flash(f"{provider.label} took it, but {shown} is still not right: {after.message}", "bad")
    return render.redirect_to(url_for("callback.show", key=key))


def _confirm_number(provider: Provider, plan: Plan, status: int = 200, *, changed: str = "") -> Response:
    form = DigestForm()
    form.seen.data = plan.seen
    return render.page(
        "providers/callback_number.html", status, provider=provider, form=form, plan=plan, changed=changed
    )


def _number_trouble(
    scope: Scope, provider: Provider, number: str, error: Conflict | TooMany, status: int
) -> ResponseReturnValue:
    form = CallbackForm(formdata=None, url=store.load(scope, provider).callback_url)
    title = f"{phone.display(number)} cannot be put on this application now."
    return _page(scope, provider, form, status, trouble=(title, error.message))
