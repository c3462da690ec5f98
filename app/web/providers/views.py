"""A page for each provider: the form of its declaration; enable, disable, make default, disconnect."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from flask import Response, flash, get_template_attribute, request, url_for
from flask.typing import ResponseReturnValue

from app import context
from app.core.errors import Conflict, NotFound, Stale, TryLater
from app.provider import Family, Outcome, PhoneNumber, Provider
from app.providers import PROVIDERS
from app.services.access.step_up import PasswordNeeded
from app.services.connections import check_days, health, proof, store, verification
from app.services.connections.store import StoredConnection
from app.services.connections.verification import Tested
from app.services.drift import standing
from app.services.endpoints import listing
from app.services.endpoints.listing import Filter
from app.services.numbers import inventory
from app.services.providers import active, connecting, credentials, history
from app.services.providers.connecting import Connected
from app.services.scope import Scope
from app.services.status import impact, outages, setup
from app.services.status.places import Place
from app.services.voice_ai import webhook
from app.web.providers import messages
from app.web.providers.fields import ProviderForm, for_provider, submitted_for
from app.web.shell import connection_states, guides, render
from app.web.shell.conflicts import Clash, merge_with_stored, reconfirm_when_stale
from app.web.shell.forms import ConfirmForm, Form, yes_or_no
from app.web.shell.guard import Pages, Who, confirm_if_old, needs_password
from app.web.shell.registry import Entry, Link, Section


def _subjects(_scope: Scope, path: Mapping[str, Any]) -> list[str]:
    return [store.provider_of(path["key"]).label] if "key" in path else []


def has_own_page(provider: Provider) -> bool:
    """Whether the provider has its own page: voice AI providers share one, with tabs."""
    return provider.families != (Family.VOICE_AI,)


def _entries() -> Iterator[Entry]:
    """Yields the link to each provider."""
    for provider in PROVIDERS.values():
        is_shown = has_own_page(provider)
        yield Entry(provider.label, {"key": provider.key}, is_shown, is_shown)


providers = Pages("providers", __name__, subjects=_subjects)

LONGEST = active.REASON_LONGEST

FormPage = Callable[..., Response]
"""A function that returns a page with a provider's form, such as `_page`."""


@providers.page(
    "/o/<slug>/providers/<key>",
    guide="connect-{key}",
    who=Who.SUPERADMIN,
    title="Provider",
    link=Link(Section.PROVIDERS, 10, icon="plug", entries=_entries, state=connection_states.state_of),
    words="disconnect credentials account keys",
    places={Place.PROVIDER: {}},
)
def show(scope: Scope, key: str) -> ResponseReturnValue:
    """Shows the provider; redirects to its tab if it has no page of its own."""
    state = store.load(scope, store.provider_of(key))
    if not has_own_page(state.provider):
        return _back(state.provider)
    return _page(scope, state, for_provider(state, fresh=True))


@providers.page("/o/<slug>/providers/<key>", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope, key: str) -> ResponseReturnValue:
    return save_form(scope, key, _page)


def save_form(scope: Scope, key: str, page: FormPage) -> Response:
    """Saves the submitted values and redirects; `page` shows the form with its errors."""
    provider = store.provider_of(key)
    state = store.load(scope, provider)
    form = for_provider(state)
    try:
        with form.refusals(partial(page, scope, state, form), {Conflict: ""}):
            submitted = submitted_for(provider, form)
            done = connecting.connect(
                scope,
                context.outbound(),
                provider,
                submitted,
                may_test=not needs_password(),
                version=form.submitted_version,
            )
    except Stale:
        return _show_conflict(scope, provider, form, page)
    leads_on = _flash_saved(scope, provider, done)
    _flash_normalized(provider, form, done.changed)
    return render.redirect_to(url_for("home.show")) if leads_on else _back(provider)


def _flash_saved(scope: Scope, provider: Provider, done: Connected) -> bool:
    """Flashes the result of saving and of the test; returns whether the setup goes on at home."""
    text, kind = messages.saved(provider.label) if done.changed else messages.NO_CHANGES, "ok"
    if done.tested:
        kind, title = verdict_of(done.tested)
        text = f"{text} {title}{messages.read(done.tested)}. {done.tested.result.reason}"
    if done.became_default:
        text = f"{text} {messages.default_set(provider.label, active.FAMILY_WORDS[Family.TELEPHONY])}"
    flash(text, kind)
    is_connected = done.tested is not None and done.tested.result.ok
    return is_connected and Family.TELEPHONY in provider.families and setup.next_step(scope) is not None


def verdict_of(tested: Tested) -> tuple[str, str]:
    """Returns the kind and title of the note about a test."""
    if not tested.is_conclusive:
        return "warn", messages.NOT_TESTED
    if not tested.result.ok:
        return "bad", messages.FAILED
    if tested.result.code == Outcome.NOT_PROVEN:
        return "warn", messages.PARTLY_TESTED
    return "ok", messages.WORKS


@providers.page("/o/<slug>/providers/<key>/verify", who=Who.SUPERADMIN, methods=["POST"])
def verify(scope: Scope, key: str) -> ResponseReturnValue:
    """Tests the submitted values. They are not saved, and stay in the form.

    htmx gets only the result, so that secrets stay in the form too.
    """
    return test_form(scope, key, _page)


def test_form(scope: Scope, key: str, page: FormPage) -> Response:
    """Tests the submitted values; `page` shows the form with the result."""
    provider = store.provider_of(key)
    state = store.load(scope, provider)
    form = for_provider(state)
    not_tested = partial(_not_tested, scope, state, form, page)
    with form.refusals(not_tested, {PasswordNeeded: "your_password", TryLater: ""}):
        submitted = submitted_for(provider, form)
        trusted = confirm_if_old(scope, form)
        verification.require_complete(trusted, provider, submitted)
        tested = verification.verify(trusted, context.outbound(), provider, submitted)
    if render.is_fragment_request():
        return _result(state, form, 200, tested)
    return page(scope, state, form, tested=tested, retype=_has_secret(provider, form))


def _result(
    state: StoredConnection, form: ProviderForm, status: int, tested: Tested | None = None
) -> Response:
    result = get_template_attribute("providers/_test.html", "test_result")
    verdict = verdict_of(tested) if tested else None
    guide = guides.by_name().get(f"connect-{state.provider.key}")
    part = result(state, form, needs_password(), tested=tested, verdict=verdict, guide=guide, is_part=True)
    return render.part(part, status, [])


def _not_tested(
    scope: Scope, state: StoredConnection, form: ProviderForm, page: FormPage, status: int
) -> Response:
    if render.is_fragment_request():
        return _result(state, form, status)
    if _has_secret(state.provider, form):
        form.form_errors.append(messages.RETYPE)
    return page(scope, state, form, status)


def _has_secret(provider: Provider, form: ProviderForm) -> bool:
    typed = submitted_for(provider, form)
    return any(typed.get(form.names[field.name]) for field in provider.typed_fields if field.secret)


def _show_conflict(scope: Scope, provider: Provider, form: ProviderForm, page: FormPage) -> Response:
    """Shows both versions and keeps the typed values; saving again replaces the stored ones."""
    state = store.load(scope, provider)
    clash = merge_with_stored(scope, form, for_provider(state, fresh=True), [provider.label])
    return page(scope, state, form, 412, conflicts=clash)


def _flash_normalized(provider: Provider, form: ProviderForm, changed: Mapping[str, list[Any]]) -> None:
    for field in provider.typed_fields:
        name = form.names[field.name]
        if isinstance(field, PhoneNumber) and name in changed:
            typed, stored = (form[name].data or "").strip(), changed[name][1]
            if stored and typed != stored:
                flash(messages.normalized(typed, stored), "ok")


def _back(provider: Provider) -> Response:
    if not has_own_page(provider):
        return render.redirect_to(url_for("voice_ai.show", tab=provider.key))
    return render.redirect_to(url_for("providers.show", key=provider.key))


def _page(
    scope: Scope,
    state: StoredConnection,
    form: Form,
    status: int = 200,
    *,
    conflicts: Clash | None = None,
    tested: Tested | None = None,
    retype: bool = False,
) -> Response:
    check = proof.last(scope, state.provider)
    return render.page(
        "providers/show.html",
        status,
        state=state,
        provider=state.provider,
        form=form,
        conflicts=conflicts,
        active=active.active_families(scope, state.provider),
        families=[family for family in state.provider.families if family is not Family.VOICE_AI],
        words=active.FAMILY_WORDS,
        history=history.changes(scope, state.provider),
        subjects=[
            state.provider.label,
            *(active.FAMILY_WORDS[each] for each in state.provider.families),
        ],
        touched=impact.of_provider(scope, state.provider),
        can_list=inventory.can_list(state.provider),
        can_verify=verification.can_verify(state.provider),
        ask_password=needs_password(),
        check=check,
        check_days=check_days.of_subject(scope, state.provider.key),
        outages=outages.of_subject(scope, state.provider.key),
        failed_run=standing.failed_run(scope, state.provider.key, check.checked_at if check else None),
        evidence=check and proof.LABELS[check.evidence],
        health=health.of(state, check),
        last_test=health.of_test(check),
        about_default=messages.ABOUT_DEFAULT,
        retype=retype,
        **of_test(tested),
    )


def of_test(tested: Tested | None) -> dict[str, Any]:
    """Returns the page's variables for a test that was just run."""
    return {
        "tested": tested,
        "read": messages.read(tested) if tested else "",
        "verdict": verdict_of(tested) if tested else None,
    }


def _button_page(scope: Scope, key: str) -> ResponseReturnValue:
    """Returns the page with the button: disabling has its own, enabling is on the provider's."""
    return show(scope, key) if yes_or_no("enabled") else confirm_disable(scope, key)


@providers.page("/o/<slug>/providers/<key>/enabled", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(_button_page)
def set_enabled(scope: Scope, key: str) -> ResponseReturnValue:
    provider = store.provider_of(key)
    enabled = yes_or_no("enabled")
    form = ConfirmForm()
    credentials.set_enabled(
        scope, context.outbound(), provider, enabled, reason=form.why, version=form.submitted_version
    )
    done = messages.enabled(provider.label) if enabled else messages.disabled(provider.label)
    _flash_with_blocked(scope, provider, done)
    return _back(provider)


def _flash_with_blocked(scope: Scope, provider: Provider, done: str) -> None:
    """Flashes the result, and how many numbers are blocked without the provider."""
    lost = Filter(provider=provider.key, blocked=True)
    count = listing.count(scope, lost) if Family.TELEPHONY in provider.families else 0
    if not count:
        flash(done, "ok")
        return
    href = url_for("endpoints.table", provider=provider.key, sync="blocked")
    render.flash_with_link(messages.blocked(done, count), "warn", href, messages.SHOW_BLOCKED)


@providers.page("/o/<slug>/providers/<key>/disable", who=Who.SUPERADMIN, title="Disable provider")
def confirm_disable(scope: Scope, key: str) -> ResponseReturnValue:
    return _confirm(scope, key, "providers/disable.html")


@providers.page(
    "/o/<slug>/providers/<key>/disconnect",
    who=Who.SUPERADMIN,
    title="Disconnect provider",
    former="/o/<slug>/providers/<key>/forget",
)
def confirm_disconnect(scope: Scope, key: str) -> ResponseReturnValue:
    return _confirm(scope, key, "providers/disconnect.html")


def _confirm(scope: Scope, key: str, template: str) -> Response:
    state = store.load(scope, store.provider_of(key))
    return render.page(
        template,
        state=state,
        provider=state.provider,
        form=ConfirmForm(version=str(state.version)),
        words=active.FAMILY_WORDS,
        touched=impact.of_provider(scope, state.provider),
        leaves_webhook=webhook.is_made(state),
    )


@providers.page("/o/<slug>/providers/<key>/disconnect", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(confirm_disconnect)
def disconnect(scope: Scope, key: str) -> ResponseReturnValue:
    provider = store.provider_of(key)
    form = ConfirmForm()
    credentials.disconnect(scope, provider, reason=form.why, version=form.submitted_version)
    _flash_with_blocked(scope, provider, messages.disconnected(provider.label))
    return _back(provider)


@providers.page(
    "/o/<slug>/active/<family>",
    who=Who.SUPERADMIN,
    title="Change default provider",
    guide="move-to-another-provider",
)
def confirm_active(scope: Scope, family: str) -> ResponseReturnValue:
    """Shows the impact of another default provider before the change."""
    chosen_family = _family(family)
    key = request.values.get("provider", "")
    return render.page(
        "providers/active.html",
        family=chosen_family,
        words=active.FAMILY_WORDS,
        provider=store.provider_of(key),
        impact=impact.of_switch(scope, chosen_family, key),
        form=ConfirmForm(version=str(scope.organization.version)),
    )


@providers.page("/o/<slug>/active/<family>", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(confirm_active)
def make_active(scope: Scope, family: str) -> ResponseReturnValue:
    chosen_family = _family(family)
    provider = store.provider_of(request.form.get("provider", ""))
    form = ConfirmForm()
    try:
        active.make_active(
            scope, chosen_family, provider.key, reason=form.why, version=form.submitted_version
        )
    except Conflict as error:
        flash(error.message, "bad")
        return _back(provider)
    flash(messages.default_set(provider.label, active.FAMILY_WORDS[chosen_family]), "ok")
    return _back(provider)


def _family(text: str) -> Family:
    """Returns the family. Raises NotFound if its default has no page here; voice AI has its own."""
    if text not in (Family.VOICE, Family.TELEPHONY):
        raise NotFound(messages.NO_FAMILY)
    return Family(text)


@providers.page("/o/<slug>/switches/<switch_id>/undo", who=Who.SUPERADMIN, title="Undo")
def confirm_undo(scope: Scope, switch_id: str) -> ResponseReturnValue:
    """Shows the impact of restoring the previous default."""
    row = active.undoable(scope, _row_id(switch_id))
    family = Family(row.family)
    return render.page(
        "providers/undo.html",
        switch=row,
        family=family,
        words=active.FAMILY_WORDS,
        back=_history_of(row.now or row.was),
        impact=impact.of_switch(scope, family, row.was),
        form=ConfirmForm(
            version=str(scope.organization.version), reason=messages.undo_reason(row.reason)[:LONGEST]
        ),
    )


@providers.page("/o/<slug>/switches/<switch_id>/undo", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(confirm_undo)
def undo(scope: Scope, switch_id: str) -> ResponseReturnValue:
    form = ConfirmForm()
    row = active.undoable(scope, _row_id(switch_id))
    was, now = row.was, row.now
    try:
        family = active.undo(scope, row.id, reason=form.why, version=form.submitted_version)
    except Conflict as error:
        flash(error.message, "bad")
        return render.redirect_to(_history_of(was or now))
    label = store.provider_of(was).label if was else None
    flash(messages.default_restored(label, active.FAMILY_WORDS[family]), "ok")
    return render.redirect_to(_history_of(was or now))


def _row_id(text: str) -> int:
    """Returns the id of a row; -1, which no row has, if the text is not a number."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


def _history_of(key: str | None) -> str:
    return url_for("providers.show", key=key)
