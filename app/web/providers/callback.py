"""The callback URL of a provider's application: its present value, and setting it after a confirmation."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core.errors import Conflict, Invalid, Stale, TooMany
from app.provider import Provider
from app.services.audit.actions import Action
from app.services.connections import store
from app.services.scope import Scope
from app.services.status.places import Place
from app.services.webhook_tests import results, subjects
from app.services.webhooks import application, voice_numbers
from app.services.webhooks.application import CallbackState
from app.services.webhooks.voice_numbers import Plan
from app.web.providers import callback_tests, messages
from app.web.providers.forms import CallbackForm, DigestForm
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.history import history

callback = Pages("callback", __name__)

MOST_SHOWN = 50
"""How many users' numbers the page shows, drifted ones first."""


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
        return _page(scope, provider, form, observed=application.observe(scope, context.outbound(), provider))
    except Conflict as error:
        trouble = (messages.callback_unknown(provider.label), error.message)
        return _page(scope, provider, form, trouble=trouble)


@callback.page("/o/<slug>/providers/<key>/callback", who=Who.SUPERADMIN, methods=["POST"])
def point(scope: Scope, key: str) -> ResponseReturnValue:
    """Shows the effect of a new callback, and sets it when that page is confirmed."""
    provider = application.provider_of(key)
    form = CallbackForm()
    text, digest = form.url.data or "", form.seen.data
    try:
        if not digest:
            url, observed = application.plan(scope, context.outbound(), provider, text)
            return _confirm(provider, form, url, observed)
        _flash_result(provider, application.point(scope, context.outbound(), provider, text, digest=digest))
    except Invalid as error:
        form.add_errors(error)
        return _page(scope, provider, form, 422)
    except Stale as error:
        return _confirm(provider, form, text, error.current, 412, changed=error.message)
    except Conflict as error:
        return _page(scope, provider, form, 409, trouble=(messages.CALLBACK_FAILED, error.message))
    except TooMany as error:
        form.form_errors.append(error.message)
        return render.with_retry_after(_page(scope, provider, form, error.status), error)
    return render.redirect_to(url_for("callback.show", key=key))


def _flash_result(provider: Provider, after: CallbackState | None) -> None:
    if after is None:
        flash(messages.callback_unread(provider.label), "warn")
    elif after.reason:
        flash(messages.callback_differs(provider.label), "warn")
    else:
        flash(messages.callback_set(provider.label), "ok")


def _page(scope: Scope, provider: Provider, form: CallbackForm, status: int = 200, **more: Any) -> Response:
    form.seen.data = ""
    form.url.description = messages.callback_help(provider.label, scope.organization.public_base_url)
    assigned = voice_numbers.assigned_numbers(scope, provider)
    return render.page(
        "providers/callback.html",
        status,
        provider=provider,
        form=form,
        stored=store.load(scope, provider).callback_url,
        assigned=assigned[:MOST_SHOWN],
        hidden_numbers=len(assigned) - MOST_SHOWN,
        history=history(scope, provider.label, kind=Action.CALLBACK_SET),
        test=_test(scope, provider),
        **{"observed": None, "trouble": None} | more,
    )


def _test(scope: Scope, provider: Provider) -> dict[str, Any] | None:
    """Returns the data of the callback test's card; None if there is nothing to test."""
    subject = subjects.of_application(scope, provider.key)
    if subject is None or subject.url is None:
        return None
    return {"address": callback_tests.address_of(subject), "report": results.of(scope, subject)}


def _confirm(
    provider: Provider,
    form: CallbackForm,
    url: str,
    observed: CallbackState,
    status: int = 200,
    *,
    changed: str = "",
) -> Response:
    form.seen.data = observed.digest
    return render.page(
        "providers/callback_confirm.html",
        status,
        provider=provider,
        form=form,
        url=url,
        observed=observed,
        changed=changed,
    )


@callback.page(
    "/o/<slug>/providers/<key>/callback/numbers/<number>", who=Who.SUPERADMIN, title="Number on the callback"
)
def confirm_move(scope: Scope, key: str, number: str) -> ResponseReturnValue:
    """Shows the present settings of a user's number before it is moved to the application."""
    provider = application.provider_of(key)
    try:
        return _confirm_number(provider, voice_numbers.plan(scope, context.outbound(), provider, number))
    except Conflict as error:
        return _number_trouble(scope, provider, number, error, 200)


@callback.page("/o/<slug>/providers/<key>/callback/numbers/<number>", who=Who.SUPERADMIN, methods=["POST"])
def move_number(scope: Scope, key: str, number: str) -> ResponseReturnValue:
    """Moves the number to the application if its settings are still as the page showed them."""
    provider = application.provider_of(key)
    digest = DigestForm().seen.data or ""
    try:
        after = voice_numbers.attach(scope, context.outbound(), provider, number, expected_digest=digest)
    except Stale as error:
        return _confirm_number(provider, error.current, error.status, changed=error.message)
    except (Conflict, TooMany) as error:
        return render.with_retry_after(_number_trouble(scope, provider, number, error, error.status), error)
    if after.in_sync:
        flash(messages.number_moved(number), "ok")
    else:
        flash(messages.number_still_wrong(provider.label, number, after.message), "bad")
    return render.redirect_to(url_for("callback.show", key=key))


def _confirm_number(provider: Provider, plan: Plan, status: int = 200, *, changed: str = "") -> Response:
    form = DigestForm()
    form.seen.data = plan.digest
    return render.page(
        "providers/callback_number.html", status, provider=provider, form=form, plan=plan, changed=changed
    )


def _number_trouble(
    scope: Scope, provider: Provider, number: str, error: Conflict | TooMany, status: int
) -> Response:
    form = CallbackForm(formdata=None, url=store.load(scope, provider).callback_url)
    trouble = (messages.number_not_moved(number), error.message)
    return _page(scope, provider, form, status, trouble=trouble)
