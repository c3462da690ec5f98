"""The sign-in policy for all superadmins."""

from __future__ import annotations

from functools import partial

from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app.core.errors import Conflict, TryLater
from app.services.access import totp, two_step_policy
from app.services.access.step_up import PasswordNeeded
from app.services.organizations import directory
from app.services.scope import Scope
from app.web.access import messages
from app.web.access.forms import PolicyForm
from app.web.shell import render
from app.web.shell.forms import yes_or_no
from app.web.shell.guard import Pages, Who, confirm_if_old, needs_password
from app.web.shell.registry import Link, Section

security = Pages("security", __name__)


@security.page(
    "/security",
    who=Who.SUPERADMIN,
    title="Sign-in security",
    link=Link(Section.GLOBAL, 35, icon="shield", key="s"),
)
def show(scope: Scope) -> ResponseReturnValue:
    return _page(scope, PolicyForm(formdata=None))


def _page(scope: Scope, form: PolicyForm, status: int = 200) -> Response:
    people = two_step_policy.superadmins(scope)
    return render.page(
        "access/security.html",
        status,
        form=form,
        is_on=two_step_policy.is_on(scope),
        people=people,
        two_step={person.id for person in people if totp.is_on(person)},
        slugs={organization.id: organization.slug for organization in directory.every(scope)},
        names={organization.id: organization.name for organization in directory.every(scope)},
        has_own=totp.is_on(current_user.user),
        ask_password=needs_password(),
    )


@security.page("/security", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope) -> ResponseReturnValue:
    needed, form = yes_or_no("needed"), PolicyForm()
    beside = {PasswordNeeded: "your_password", TryLater: "", Conflict: ""}
    with form.refusals(partial(_page, scope, form), beside):
        two_step_policy.set_on(confirm_if_old(scope, form), current_user.user, needed)
    flash(messages.TWO_STEP_REQUIRED if needed else messages.TWO_STEP_OPTIONAL, "ok")
    return render.redirect_to(url_for("security.show"))
