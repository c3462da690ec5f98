"""Notifications: open problems, destinations and their deliveries, quiet periods.

Each page is declared once, for both an organization and the installation.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Response, flash, g, request, url_for
from flask.typing import ResponseReturnValue

from app import context, links
from app.core import clock
from app.core.errors import Conflict, Invalid, NotFound, Problem, Stale
from app.destination import Kind
from app.destinations import KINDS
from app.models import Destination, Notification, Organization
from app.services.notifications import compose, destinations, inbox, limits, quiet
from app.services.notifications.events import ALL, Event
from app.services.notifications.inbox import Logged
from app.services.scope import Scope
from app.web.notifications import forms, messages
from app.web.notifications.forms import DURATIONS, DestinationForm, LimitsForm, QuietForm
from app.web.shell import render
from app.web.shell.conflicts import merge_with_stored
from app.web.shell.forms import yes_or_no
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

View = Callable[..., ResponseReturnValue]

EVERYWHERE = "_everywhere"
"""The suffix of the endpoint of an installation's page."""


def _open_count(scope: Scope) -> str:
    count = inbox.unacknowledged_count(scope)
    return f"{count} open" if count else ""


notifications = Pages("notifications", __name__)


def _both(
    rule: str,
    *,
    title: str = "",
    methods: tuple[str, ...] = ("GET",),
    links: tuple[Link, Link] | None = None,
    guide: str = "",
) -> Callable[[View], View]:
    """Registers a view as a page of each organization, and as a page of the installation."""

    def declare(view: View) -> View:
        for prefix, variant, place in (("/o/<slug>", view, 0), ("", _everywhere(view), 1)):
            link = links[place] if links else None
            own_title = f"{title} of every organization" if link and place else title
            notifications.page(
                f"{prefix}/notifications{rule}",
                who=Who.SUPERADMIN,
                title=own_title,
                methods=methods,
                link=link,
                guide=guide,
            )(variant)
        return view

    return declare


def _everywhere(view: View) -> View:
    @functools.wraps(view)
    def run(*arguments: Any, **path: Any) -> ResponseReturnValue:
        return view(*arguments, **path)

    run.__name__ = view.__name__ + EVERYWHERE
    return run


def own(name: str, **values: Any) -> str:
    """Returns the address of a page of the same organization, or of the installation."""
    return url_for(f"notifications.{name}{'' if 'slug' in g else EVERYWHERE}", **values)


def _to(name: str, **values: Any) -> Response:
    return render.redirect_to(own(name, **values))


def _render(template: str, status: int = 200, **more: Any) -> Response:
    return render.page(
        f"notifications/{template}.html",
        status,
        own=own,
        kinds=KINDS,
        title_of=compose.title,
        path_of=links.path_of,
        details_of=compose.details_without_since,
        since_of=compose.unhealthy_since,
        acknowledge_path=_acknowledge_path,
        name_of=destinations.name_of,
        label_of=lambda value: "All events" if value == ALL else Event.of(value).label,
        now=clock.now(),
        **more,
    )


@_both(
    "",
    title="Notifications",
    guide="notifications",
    links=(
        Link(Section.ORGANIZATION, 30, badge=_open_count, icon="bell", key="n"),
        Link(Section.GLOBAL, 25, label="Notifications", icon="bell", key="n"),
    ),
)
def table(scope: Scope) -> ResponseReturnValue:
    return _table(scope)


def _table(scope: Scope, status: int = 200, **overrides: Any) -> Response:
    chosen = limits.get(scope)
    days = chosen.most_secret_days if scope.organization_or_none else chosen.most_backup_days
    shown: dict[str, Any] = {
        "quiet_form": QuietForm(formdata=None),
        "limits_form": LimitsForm(formdata=None, days="" if days is None else str(days)),
    }
    problems = inbox.open_now(scope, everywhere=scope.organization_or_none is None)
    return _render(
        "table",
        status,
        problems=problems,
        owners=inbox.owners(scope, problems),
        destinations=destinations.listed(scope),
        periods=quiet.listed(scope),
        has_mailer=context.settings().mailer is not None,
        **(shown | overrides),
    )


@_both("/new", title="Add destination")
def new(scope: Scope) -> ResponseReturnValue:
    kind = _kind(request.args.get("kind") or next(iter(KINDS)))
    return _new(scope, kind, _form(scope, kind, events=[ALL]))


def _kind(key: str) -> Kind:
    if key not in KINDS:
        raise NotFound(messages.kind_unknown(key))
    return KINDS[key]


def _form(scope: Scope, kind: Kind, **values: Any) -> DestinationForm:
    return forms.of(kind)(installation=scope.organization_or_none is None, **values)


def _new(_scope: Scope, kind: Kind, form: DestinationForm, status: int = 200) -> Response:
    has_mailer = context.settings().mailer is not None
    return _render("new", status, kind=kind, form=form, has_mailer=has_mailer)


@_both("/new", methods=("POST",))
def create(scope: Scope) -> ResponseReturnValue:
    kind = _kind(request.form.get("kind") or "")
    form = _form(scope, kind)
    with form.refusals(partial(_new, scope, kind, form), {Conflict: ""}):
        saved = destinations.create(scope, {"kind": kind.key} | form.submitted(kind))
    if saved.secrets:
        return _show_secret_once(saved)
    flash(messages.added(destinations.name_of(saved.row)), "ok")
    return _to("show", destination_id=saved.row.id)


def _show_secret_once(saved: destinations.Saved) -> Response:
    """Shows a generated secret in this response only: it cannot be shown again."""
    secret = next(iter(saved.secrets.values()))
    return _render("secret_once", row=saved.row, secret=secret)


@_both("/destinations/<destination_id>", title="Destination")
def show(scope: Scope, destination_id: str) -> ResponseReturnValue:
    return _page(scope, destinations.get(scope, destination_id))


def _stored(scope: Scope, row: Destination) -> DestinationForm:
    kind = _kind(row.kind)
    return _form(scope, kind, formdata=None, version=str(row.version), **forms.stored(kind, row))


def _page(scope: Scope, row: Destination, status: int = 200, **overrides: Any) -> Response:
    page = inbox.deliveries(scope, row.id, request.args.get("cursor") or None, limit=20)
    shown: dict[str, Any] = {"form": _stored(scope, row), "conflicts": None}
    return _render(
        "destination",
        status,
        row=row,
        kind=_kind(row.kind),
        log=page.rows,
        next_page=page.next,
        is_first="cursor" not in request.args,
        durations=DURATIONS,
        **(shown | overrides),
    )


@_both("/destinations/<destination_id>", methods=("POST",))
def save(scope: Scope, destination_id: str) -> ResponseReturnValue:
    row = destinations.get(scope, destination_id)
    kind = _kind(row.kind)
    form = _form(scope, kind)

    def page(status: int, **more: Any) -> Response:
        return _page(scope, destinations.get(scope, destination_id), status, form=form, **more)

    try:
        with form.refusals(page):
            destinations.change(scope, destination_id, form.submitted(kind), version=form.submitted_version)
    except Stale:
        row = destinations.get(scope, destination_id)
        names = ("label", "digest_hour")
        clash = merge_with_stored(scope, form, _stored(scope, row), [destinations.name_of(row)], names)
        return page(412, conflicts=clash)
    flash(messages.SAVED, "ok")
    return _to("show", destination_id=destination_id)


@_both("/destinations/<destination_id>/test", methods=("POST",))
def send_test(scope: Scope, destination_id: str) -> ResponseReturnValue:
    _flash_outcome(inbox.test(scope, context.sender(), destination_id))
    return _to("show", destination_id=destination_id)


@_both("/destinations/<destination_id>/deliveries/<delivery_id>/resend", methods=("POST",))
def resend(scope: Scope, destination_id: str, delivery_id: str) -> ResponseReturnValue:
    _flash_outcome(inbox.resend(scope, context.sender(), destination_id, delivery_id))
    return _to("show", destination_id=destination_id)


def _flash_outcome(entry: Logged) -> None:
    attempt = entry.last
    if attempt is not None and attempt.ok:
        flash(messages.accepted(attempt.status), "ok")
    else:
        flash(messages.refused(attempt.reason or "" if attempt else ""), "bad")


@_both("/destinations/<destination_id>/mute", methods=("POST",))
def mute(scope: Scope, destination_id: str) -> ResponseReturnValue:
    hours = request.form.get("hours", "")
    until = clock.utc(clock.now() + timedelta(hours=int(hours))) if hours in DURATIONS else None
    destinations.change(scope, destination_id, {"muted_until": until})
    flash(messages.muted(DURATIONS[hours]) if until else messages.UNMUTED, "ok")
    return _to("show", destination_id=destination_id)


@_both("/destinations/<destination_id>/enabled", methods=("POST",))
def set_enabled(scope: Scope, destination_id: str) -> ResponseReturnValue:
    enabled = yes_or_no("enabled")
    row = destinations.change(scope, destination_id, {"enabled": enabled})
    name = destinations.name_of(row)
    flash(messages.enabled(name) if enabled else messages.disabled(name), "ok")
    return _to("show", destination_id=destination_id)


@_both("/destinations/<destination_id>/secret", methods=("POST",))
def replace_secret(scope: Scope, destination_id: str) -> ResponseReturnValue:
    return _show_secret_once(destinations.replace_secret(scope, destination_id))


@_both("/destinations/<destination_id>/delete", methods=("POST",))
def delete(scope: Scope, destination_id: str) -> ResponseReturnValue:
    name = destinations.name_of(destinations.get(scope, destination_id))
    destinations.delete(scope, destination_id)
    flash(messages.deleted(name), "ok")
    return _to("table")


def _acknowledge_path(problem: Notification, owner: Organization | None) -> str:
    """Returns the address that acknowledges the problem, and returns to this page."""
    if owner is None or "slug" in g:
        return own("acknowledge", problem_id=problem.uid)
    return url_for("notifications.acknowledge", slug=owner.slug, problem_id=problem.uid, back="installation")


@_both("/problems/<problem_id>/acknowledge", methods=("POST",))
def acknowledge(scope: Scope, problem_id: str) -> ResponseReturnValue:
    inbox.acknowledge(scope, problem_id)
    flash(messages.ACKNOWLEDGED, "ok")
    if request.args.get("back") == "installation":
        return render.redirect_to(url_for("notifications.table_everywhere"))
    return _to("table")


@_both("/quiet-periods", methods=("POST",))
def add_quiet_period(scope: Scope) -> ResponseReturnValue:
    form = QuietForm()
    with form.refusals(lambda status: _table(scope, status, quiet_form=form)):
        quiet.add(scope, form.submitted)
    flash(messages.QUIET_ADDED, "ok")
    return _to("table")


@_both("/quiet-periods/<period_id>/end", methods=("POST",))
def end_quiet_period(scope: Scope, period_id: str) -> ResponseReturnValue:
    quiet.end(scope, period_id)
    flash(messages.QUIET_ENDED, "ok")
    return _to("table")


@_both("/settings", methods=("POST",))
def save_limits(scope: Scope) -> ResponseReturnValue:
    form = LimitsForm()
    name = "most_secret_days" if scope.organization_or_none else "most_backup_days"
    with form.refusals(lambda status: _table(scope, status, limits_form=form)):
        try:
            limits.save(scope, form.submitted(name))
        except Invalid as error:
            raise Invalid([Problem("days", problem.message) for problem in error.problems]) from None
    flash(messages.LIMITS_SAVED, "ok")
    return _to("table")
