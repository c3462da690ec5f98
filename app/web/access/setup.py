"""The first superadmin and their organization, created with the single-use key of the setup link.

The key is not part of a request's address, so that it is in no proxy's log and no browser's history.
"""

from __future__ import annotations

from functools import partial

from flask import flash, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import Busy, Conflict, NotFound
from app.services.access import sign_in
from app.services.access.sign_in import Checked
from app.services.installation import setup as installation_setup
from app.services.organizations import directory
from app.services.scope import Scope
from app.web.access import messages
from app.web.access.forms import SetupForm
from app.web.shell import render
from app.web.shell.guard import Pages, Who, start_session

setup = Pages("setup", __name__)


@setup.page("/setup", who=Who.ANYONE, title="Set up Patchbay")
def form(scope: Scope) -> ResponseReturnValue:
    installation_setup.expect_setup(scope)
    return render.page("access/setup.html", form=SetupForm())


@setup.page("/setup", who=Who.ANYONE, methods=["POST"])
def set_up(scope: Scope) -> ResponseReturnValue:
    form = SetupForm()
    submitted = {name: form[name].data or "" for name in ("organization", "name", "email", "password")}
    page = partial(render.page, "access/setup.html", form=form)
    try:
        with form.refusals(page, {Conflict: "email", Busy: ""}):
            user = installation_setup.set_up(scope, form.key.data or "", submitted)
    except NotFound as error:
        installation_setup.expect_setup(scope)
        form.key.errors = [error.message]
        return page(422)
    start_session(scope, Checked(user, sign_in.state_of(user)))
    flash(messages.WELCOME, "ok")
    organization = directory.of_user(scope, user)
    return render.redirect_to(url_for("home.show", slug=organization.slug))
