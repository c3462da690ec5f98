"""Signing in and out."""

from __future__ import annotations

import time

from flask import Response, flash, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user

from app.core import urls
from app.core.errors import Invalid, TryLater, Unauthenticated
from app.models import User
from app.services.access import recovery_codes, totp, users
from app.services.access import sign_in as access_sign_in
from app.services.access.sign_in import Checked
from app.services.installation import setup as installation_setup
from app.services.organizations import directory
from app.services.scope import Scope
from app.web.access import messages
from app.web.access.forms import CodeForm, RecoveryForm, SignInForm
from app.web.shell import known_browsers, render
from app.web.shell.guard import Pages, Who, begin_code, home_scope, start_session

sign_in = Pages("sign_in", __name__)

CODE_SECONDS = 300


@sign_in.page("/sign-in", who=Who.ANYONE, title="Sign in")
def form(scope: Scope) -> ResponseReturnValue:
    """Shows the form. If no user exists yet, the page says where the setup link is printed."""
    after = urls.local_path(request.args.get("next"))
    if current_user.is_authenticated:
        return render.redirect_to(after or "/")
    if installation_setup.is_waiting(scope):
        return render.page("access/not_set_up.html")
    return render.page("access/sign_in.html", form=SignInForm(next=after or ""), problem="")


@sign_in.page("/sign-in", who=Who.ANYONE, methods=["POST"])
def enter(scope: Scope) -> ResponseReturnValue:
    form = SignInForm()
    submitted = {"email": form.email.data or "", "password": form.password.data or ""}
    try:
        checked = access_sign_in.check_password(scope, submitted, known_browsers=known_browsers.read())
    except (Unauthenticated, TryLater, Invalid) as error:
        return _refused("access/sign_in.html", form, error)
    if totp.is_on(checked.user):
        return begin_code(checked, form.next.data)
    return _begin_session(scope, checked, form.next.data)


@sign_in.page("/sign-in/code", who=Who.ANYONE, title="Enter the code")
def code(scope: Scope) -> ResponseReturnValue:
    if _pending_sign_in(scope) is None:
        return render.redirect_to(url_for("sign_in.form"))
    return render.page("access/code.html", form=_code_form(next=request.args.get("next", "")), problem="")


def _code_form(**values: str) -> CodeForm:
    """Returns the form for a code of the app, or for a recovery code, which contains letters."""
    return RecoveryForm(**values) if "recovery" in request.args else CodeForm(**values)


@sign_in.page("/sign-in/code", who=Who.ANYONE, methods=["POST"])
def check_code(scope: Scope) -> ResponseReturnValue:
    form = _code_form()
    checked = _pending_sign_in(scope)
    if checked is None:
        flash(messages.SIGN_IN_EXPIRED, "warn")
        return render.redirect_to(url_for("sign_in.form"))
    try:
        by_recovery = access_sign_in.check_code(
            scope, checked.user, form.code.data, known_browsers=known_browsers.read()
        )
    except (Unauthenticated, TryLater) as error:
        if not isinstance(form, RecoveryForm):
            form.code.data = ""
        return _refused("access/code.html", form, error)
    answer = _begin_session(scope, checked, form.next.data)
    if by_recovery:
        _flash_codes_left(recovery_codes.remaining(scope, checked.user))
    return answer


def _flash_codes_left(remaining: int) -> None:
    """Flashes how many recovery codes are left.

    Call it after the session has begun, which drops messages.
    """
    few = remaining <= recovery_codes.FEW
    flash(messages.recovery_code_used(remaining, few=few), "warn" if few else "ok")


def _pending_sign_in(scope: Scope) -> Checked | None:
    """Returns the user whose password was right within `CODE_SECONDS`; None if the user changed.

    The time may be in the future, because the clocks of two machines differ.
    """
    user_id, since, state = session.get("code_for", [None, 0, ""])
    user = scope.session.get(User, user_id) if user_id else None
    is_fresh = abs(time.time() - since) < CODE_SECONDS
    is_same = user is not None and user.disabled_at is None and access_sign_in.state_of(user) == state
    return Checked(user, state) if user and is_fresh and is_same else None


def _begin_session(scope: Scope, checked: Checked, after: str | None) -> Response:
    start_session(scope, checked)
    user = checked.user
    if event := users.password_set_by_other(scope.for_organization(directory.of_user(scope, user)), user):
        flash(messages.password_set_by(event.actor_name), "warn")
    return render.redirect_to(urls.local_path(after) or "/")


def _refused(
    template: str, form: SignInForm | CodeForm, error: Unauthenticated | TryLater | Invalid
) -> Response:
    return render.with_retry_after(
        render.page(template, error.status, form=form, problem=error.message), error
    )


@sign_in.page(
    "/sign-out",
    who=Who.USER,
    methods=["POST"],
    before_two_step=True,
    action="Sign out",
    icon="sign-out",
    words="log out logout",
)
def leave(scope: Scope) -> ResponseReturnValue:
    """Signs out.

    The browser's storage stays, because it contains only display and keyboard preferences.
    """
    access_sign_in.sign_out(home_scope(scope), current_user.token)
    logout_user()
    session.clear()
    response = render.redirect_to(url_for("sign_in.form"))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
