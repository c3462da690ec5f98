"""The home of an organization."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.provider import Family
from app.providers import in_family
from app.services.scope import Scope
from app.services.status import home as status_home
from app.services.status.places import Place
from app.services.status.setup import StepKey
from app.web.organizations import cables, settings
from app.web.shell import actors, connection_states, render
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
    """The state of the organization, with the form of the setup's next step until it is done."""
    found = status_home.of(scope)
    actors.prepare(scope, [change.event for change in found.changes])
    step = found.setup.next
    return render.page(
        "organizations/home.html",
        home=found,
        panel=cables.of(found.routing) if found.routing else None,
        states=connection_states.of_all(scope),
        form=settings.form_of(scope) if step and step.key is StepKey.BASE_URL else None,
        choices=in_family(Family.TELEPHONY),
        first={family: in_family(family)[0].key for family in Family},
    )
