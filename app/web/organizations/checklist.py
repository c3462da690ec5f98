"""The checklist of an organization."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.services.scope import Scope
from app.services.status import checklist as status_checklist
from app.services.status.places import Place
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

checklist = Pages("checklist", __name__)


@checklist.page(
    "/o/<slug>/",
    who=Who.SUPERADMIN,
    title="Checklist",
    link=Link(Section.CALLS, 10),
    places={Place.CHECKLIST: {}},
)
def show(scope: Scope) -> ResponseReturnValue:
    return render.page("organizations/checklist.html", steps=status_checklist.steps(scope))
