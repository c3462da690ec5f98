"""The home of an organization."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from app.provider import Family
from app.providers import in_family
from app.services.scope import Scope
from app.services.status import home as status_home
from app.services.status.places import Place
from app.web.organizations import cables, settings
from app.web.organizations.forms import SettingsForm
from app.web.shell import actors, connection_states, render
from app.web.shell.conflicts import Clash
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

home = Pages("home", __name__)


@home.page(
    "/o/<slug>/",
    who=Who.SUPERADMIN,
    title="Home",
    link=Link(Section.CALLS, 10, icon="home", key="h"),
    places={Place.HOME: {}},
)
def show(scope: Scope) -> ResponseReturnValue:
    """Shows the state of the organization, and until the setup is done, its next step."""
    return _page(scope, settings.form_of(scope))


@home.page("/o/<slug>/", who=Who.SUPERADMIN, methods=["POST"])
def save_base_url(scope: Scope) -> ResponseReturnValue:
    """Saves the base URL in the first step of the setup, where an invalid one is corrected."""
    return settings.save_and_redirect(scope, _refused, after="home.show")


def _refused(
    scope: Scope, form: SettingsForm, status: int = 200, *, conflicts: Clash | None = None
) -> Response:
    """Shows the setup again, or the settings if that step is done and has no field."""
    if conflicts or scope.organization.public_base_url:
        return settings.page(scope, form, status, conflicts=conflicts)
    return _page(scope, form, status)


def _page(scope: Scope, form: SettingsForm, status: int = 200) -> Response:
    """Returns the page; `form` is the one for the base URL."""
    summary = status_home.of(scope)
    actors.prepare(scope, [change.event for change in summary.changes])
    return render.page(
        "organizations/home.html",
        status,
        home=summary,
        panel=cables.of(summary.routing) if summary.routing else None,
        states=connection_states.of_all(scope),
        form=form,
        choices=in_family(Family.TELEPHONY),
        first={family: in_family(family)[0].key for family in Family},
    )
