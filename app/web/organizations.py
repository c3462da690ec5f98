"""The overview of all organizations, and a new one."""

from __future__ import annotations

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import Invalid
from app.services import drift, verification
from app.services import organizations as service
from app.services.scope import Scope
from app.web import render
from app.web.forms import OrganizationForm
from app.web.guard import Pages, Who

organizations = Pages("organizations", __name__)


@organizations.page("/", who=Who.SUPERADMIN)
def overview(scope: Scope) -> ResponseReturnValue:
    return render.page(
        "organizations/overview.html",
        organizations=service.every(scope),
        tallies=service.tallies(scope),
        failing=verification.failing_everywhere(scope),
        drifts=drift.tallies(scope),
    )


@organizations.page("/organizations/new", who=Who.SUPERADMIN)
def new(_scope: Scope) -> ResponseReturnValue:
    return render.page("organizations/new.html", form=OrganizationForm())


@organizations.page("/organizations/new", who=Who.SUPERADMIN, methods=["POST"])
def create(scope: Scope) -> ResponseReturnValue:
    form = OrganizationForm()
    try:
        organization = service.create(scope, {"name": form.name.data or ""})
    except Invalid as error:
        form.show(error)
        return render.page("organizations/new.html", 422, form=form)
    flash(f"{organization.name} is created.", "ok")
    return render.see(url_for("checklist.show", slug=organization.slug))
