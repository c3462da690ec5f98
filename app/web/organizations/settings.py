"""An organization's settings. A change of the base URL that has effects is confirmed first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core import urls
from app.core.errors import Invalid, Stale
from app.services.connections import transitions
from app.services.endpoints import proven
from app.services.notifications import inbox
from app.services.organizations import directory
from app.services.scope import Scope
from app.services.status import impact
from app.services.status.impact import BaseUrlImpact
from app.services.status.places import Place
from app.web.organizations import messages
from app.web.organizations.forms import BaseUrlForm, SettingsForm
from app.web.shell import next_step, render
from app.web.shell.conflicts import Clash, merge_with_stored, of_organization
from app.web.shell.guard import Pages, Who
from app.web.shell.history import own_history
from app.web.shell.registry import Link, Section

PARTS = {
    "Organization name": "settings-name",
    "Public base URL": "settings-public_base_url",
    "Country of numbers": "settings-country",
    "Reading of last calls": "settings-reads_last_calls",
}

GROUPS = {
    "webhooks": ("Webhooks", ("public_base_url",)),
    "organization": ("Organization", ("name", "country")),
    "calls": ("Last calls", ("reads_last_calls",)),
}
"""The groups of the form by id: their heading and fields."""

RETENTION = {"health": transitions.KEPT, "notifications": inbox.KEPT, "webhook_tests": proven.TESTS_KEPT}

settings = Pages("settings", __name__)

FIELDS = ("name", "public_base_url", "country", "reads_last_calls")
YES, NO = "yes", "no"
CONFIRMED = "yes"
BACK = "back"


@settings.page(
    "/o/<slug>/settings",
    who=Who.SUPERADMIN,
    title="Settings",
    link=Link(Section.ORGANIZATION, 40, icon="sliders", key="s", parts=PARTS),
    words="webhook",
    places={Place.SETTINGS: {}},
)
def show(scope: Scope) -> ResponseReturnValue:
    return page(scope, form_of(scope))


@settings.page("/o/<slug>/settings", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope) -> ResponseReturnValue:
    return save_and_redirect(scope, page, after="settings.show")


def save_and_redirect(scope: Scope, again: Callable[..., Response], *, after: str) -> Response:
    """Saves the submitted settings and redirects to `after`; `again` shows the form's errors."""
    form, answer = SettingsForm(), request.form.get("confirmed")
    if answer == BACK:
        return again(scope, form)
    submitted = _sent(form)
    try:
        url = directory.planned_base_url(scope, submitted, version=form.submitted_version)
        change = impact.of_base_url(scope, url)
        if change.has_effect and answer != CONFIRMED:
            return _confirm(change, BaseUrlForm())
        why = BaseUrlForm().why
        directory.update(scope, context.outbound(), submitted, reason=why, version=form.submitted_version)
    except Invalid as error:
        form.add_errors(error)
        return again(scope, form, 422)
    except Stale:
        conflicts = merge_with_stored(scope, form, _fresh(scope), of_organization(scope), FIELDS)
        return again(scope, form, 412, conflicts=conflicts)
    _flash_saved(scope, form, url, offer_next=after == "settings.show")
    if change.has_effect and change.now and change.urls:
        address = url_for("many_endpoints.confirm", do="configure", all="yes", active="on")
        render.flash_with_link(messages.WEBHOOKS_CHANGED, "warn", address, messages.CONFIGURE_WEBHOOKS)
    return render.redirect_to(url_for(after))


def _flash_saved(scope: Scope, form: SettingsForm, url: str | None, *, offer_next: bool) -> None:
    """Flashes the result, and whether https:// was added. The home shows the next step itself."""
    text, typed = messages.SETTINGS_SAVED, (form.public_base_url.data or "").strip()
    if url and urls.with_https(typed) != typed:
        text = f"{text} {messages.https_added(url)}"
    if offer_next:
        next_step.flash_done(scope, text)
    else:
        flash(text, "ok")


@settings.page("/o/<slug>/settings/base-url", who=Who.SUPERADMIN, title="Change the base URL?")
def confirm_base_url(scope: Scope) -> ResponseReturnValue:
    """Shows the effect of restoring an earlier base URL, which is the `url` in the query."""
    if request.args.get("url") in (None, "", scope.organization.public_base_url):
        return render.redirect_to(url_for("settings.show"))
    typed = _stored(scope) | {"public_base_url": request.args["url"]}
    try:
        url = directory.planned_base_url(scope, _values(typed))
    except Invalid as error:
        form = SettingsForm(**typed, version=scope.organization.version)
        form.add_errors(error)
        return page(scope, form, 422)
    change = impact.of_base_url(scope, url)
    reason = messages.undo_of(change.was) if change.was else ""
    version, opened_with = str(scope.organization.version), _fresh(scope).seen.data
    form = BaseUrlForm(**typed, version=version, seen=opened_with, reason=reason)
    return _confirm(change, form)


def form_of(scope: Scope) -> SettingsForm:
    """Returns the form with the stored settings."""
    return SettingsForm(**_stored(scope), version=scope.organization.version)


def _fresh(scope: Scope) -> SettingsForm:
    """Returns the form with the stored settings, without the submitted values."""
    return SettingsForm(formdata=None, **_stored(scope), version=scope.organization.version)


def _sent(form: SettingsForm) -> dict[str, Any]:
    typed = {name: (form[name].data or "").strip() for name in FIELDS}
    typed["public_base_url"] = urls.with_https(typed["public_base_url"])
    return _values(typed) | {"name": form.name.data or ""}


def _values(typed: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values to store for the texts of a form."""
    texts = {name: text or None for name, text in typed.items()}
    return texts | {"reads_last_calls": typed["reads_last_calls"] == YES}


def _confirm(change: BaseUrlImpact, form: BaseUrlForm) -> Response:
    return render.page("organizations/base_url.html", form=form, change=change)


def page(
    scope: Scope,
    form: SettingsForm,
    status: int = 200,
    *,
    conflicts: Clash | None = None,
) -> Response:
    events = directory.saves(scope)
    return render.page(
        "organizations/settings.html",
        status,
        form=form,
        conflicts=conflicts,
        groups=GROUPS,
        base_urls=directory.base_urls(events),
        last_saves={key: directory.last_save(events, names) for key, (_, names) in GROUPS.items()},
        check_every=context.settings().check_every,
        retention=RETENTION,
        history=own_history(scope),
    )


def _stored(scope: Scope) -> dict[str, str]:
    texts = {name: getattr(scope.organization, name) or "" for name in FIELDS}
    return texts | {"reads_last_calls": YES if scope.organization.reads_last_calls else NO}
