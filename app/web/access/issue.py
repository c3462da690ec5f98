"""Issues an API token and shows it once."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from app.core.errors import TryLater
from app.models import User
from app.services.access import tokens
from app.services.scope import SECRETS, Scope
from app.web.access.forms import TokenForm
from app.web.shell import curl, render
from app.web.shell.guard import confirm_password


def issue_token(scope: Scope, user: User, show: Callable[[int, TokenForm], Response], back: str) -> Response:
    """Returns the page with the new token, which cannot be shown again.

    `show` returns the page of the form if the form has errors.
    """
    form = TokenForm()
    with form.refusals(lambda status: show(status, form), {TryLater: "your_password"}):
        issued = tokens.issue(
            confirm_password(scope, form.your_password.data),
            user,
            name=(form.name.data or "").strip(),
            scopes=(SECRETS,) if form.scope.data else (),
            days=form.days,
        )
    return render.page(
        "access/token_once.html",
        jwt=issued.jwt,
        token=issued.token,
        person=user,
        command=curl.command("/api/me"),
        back=back,
    )
