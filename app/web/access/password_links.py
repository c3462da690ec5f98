"""The page that an invitation or a password reset link opens.

The link has its token after the #, like the setup link, so that it is in no log, Referer or history. The
page submits it in the body of a POST, which shows whose link it is, and again with the password.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response, flash
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound, TryLater
from app.models import LinkPurpose, PasswordLink, User
from app.services.access import password_links as access_links
from app.services.access import totp
from app.services.access.password_links import LINK_PATH
from app.services.organizations import directory
from app.services.scope import Scope
from app.web.access import messages
from app.web.access.forms import ChoosePasswordForm, OpenLinkForm
from app.web.shell import render
from app.web.shell.guard import Pages, Who, begin_code, start_session

password_links = Pages("password_links", __name__)


@password_links.page(LINK_PATH, who=Who.ANYONE, title="Open your link")
def form(_scope: Scope) -> ResponseReturnValue:
    return _open_link_page(OpenLinkForm())


def _open_link_page(form: OpenLinkForm, status: int = 200) -> Response:
    return render.page("access/open_link.html", status, form=form)


@password_links.page(LINK_PATH, who=Who.ANYONE, methods=["POST"])
def use(scope: Scope) -> ResponseReturnValue:
    """Shows whose link it is. If a password is submitted, sets it and signs the user in."""
    form, opened = OpenLinkForm(), ChoosePasswordForm()
    token = (form.key.data or "").strip()
    with form.refusals(partial(_open_link_page, form), {NotFound: "key", TryLater: ""}):
        link, user = access_links.find(scope, token)
    opened.email.data = user.email
    page = partial(_choose_password_page, opened, _link_details(scope, link, user))
    if opened.new_password.data is None:
        return page()
    with opened.refusals(page, {TryLater: ""}):
        checked = access_links.use(scope, token, opened.new_password.data)
    if totp.is_on(checked.user):
        return begin_code(checked)
    start_session(scope, checked)
    flash(messages.PASSWORD_CHOSEN, "ok")
    return render.redirect_to("/")


def _link_details(scope: Scope, link: PasswordLink, user: User) -> dict[str, Any]:
    """Returns the link's details as values, because another request may delete the link."""
    return {
        "organization": directory.of_user(scope, user),
        "creator": link.creator_name,
        "is_invitation": link.purpose == LinkPurpose.INVITATION,
    }


def _choose_password_page(form: ChoosePasswordForm, shown: dict[str, Any], status: int = 200) -> Response:
    return render.page("access/choose_password.html", status, form=form, **shown)
