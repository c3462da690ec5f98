"""The routing map of an organization."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.services.scope import Scope
from app.services.status import routing as status_routing
from app.web.organizations import cables
from app.web.shell import connection_states, render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

routing = Pages("routing", __name__)


@routing.page(
    "/o/<slug>/routing",
    who=Who.SUPERADMIN,
    title="Routing map",
    link=Link(Section.CALLS, 15, icon="patch", key="m"),
)
def show(scope: Scope) -> ResponseReturnValue:
    """Shows which numbers reach which agents, through which providers."""
    routing_map = status_routing.of(scope)
    states = connection_states.of_all(scope)
    return render.page(
        "organizations/routing.html", routing=routing_map, panel=cables.of(routing_map), states=states
    )
