"""The home of the installation, with all organizations, and the page that adds one."""

from __future__ import annotations

import re
from functools import partial

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from app.services.drift import standing
from app.services.organizations import directory
from app.services.scope import Scope
from app.services.status import outages, overview
from app.services.status.findings import Level
from app.services.status.overview import OverviewFilter
from app.web.organizations import messages
from app.web.organizations.forms import OrganizationForm
from app.web.shell import render
from app.web.shell.guard import Pages, Who
from app.web.shell.registry import Link, Section

organizations = Pages("organizations", __name__)

STATES = {
    "broken": Level.BROKEN,
    "missing": Level.MISSING,
    "unsure": Level.UNSURE,
    "fine": Level.FINE,
}
"""The levels of an organization by their name in the query string."""
NEW = "new"
"""The name in the query string for organizations that are not set up."""


@organizations.page(
    "/",
    who=Who.SUPERADMIN,
    title="Organizations",
    link=Link(Section.GLOBAL, 10, icon="organizations", key="h"),
)
def table(scope: Scope) -> ResponseReturnValue:
    """Shows the organizations, worst first. The filter, order and page are in the query string."""
    number, state, order = (request.args.get(name, "") for name in ("page", "state", "sort"))
    filters = OverviewFilter(
        request.args.get("q", "").strip()[: overview.TEXT_LONGEST],
        STATES.get(state),
        state == NEW,
        order if order in overview.ORDERS else "worst",
    )
    page = overview.page(scope, filters, int(number) if re.fullmatch("[0-9]{1,4}", number) else 1)
    view = {
        "q": filters.text,
        "state": state if state in STATES or filters.only_new else "",
        "sort": filters.order if filters.order != "worst" else "",
    }
    return render.page(
        "organizations/overview.html",
        page=page,
        text=filters.text,
        view={name: value for name, value in view.items() if value},
        progress=standing.progress(scope),
        month_now=partial(outages.month, scope),
        again=0,
    )


@organizations.page(
    "/organizations/new",
    who=Who.SUPERADMIN,
    title="Add organization",
    link=Link(Section.GLOBAL, 30, in_navigation=False, icon="plus"),
)
def new(_scope: Scope) -> ResponseReturnValue:
    return render.page("organizations/new.html", form=OrganizationForm())


@organizations.page("/organizations/new", who=Who.SUPERADMIN, methods=["POST"])
def create(scope: Scope) -> ResponseReturnValue:
    form = OrganizationForm()
    with form.refusals(partial(render.page, "organizations/new.html", form=form)):
        organization = directory.create(scope, {"name": form.name.data or ""})
    flash(messages.added(organization.name), "ok")
    return render.redirect_to(url_for("home.show", slug=organization.slug))
