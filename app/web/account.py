"""One's own page: numbers, tokens, password, two-step sign-in."""

from __future__ import annotations

from typing import Any

import segno
from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from app.core import clock
from app.core.errors import Conflict, Invalid, TooMany
from app.models import User
from app.services import people, tokens, totp, voice_phone_numbers
from app.services.scope import SECRETS, Scope
from app.web import render
from app.web.forms import CodeForm, PasswordForm, TokenForm, TotpBeginForm, TotpOffForm
from app.web.guard import Pages, Who, confirm_password, own

account = Pages("account", __name__)


@account.page("/account", who=Who.USER)
def show(scope: Scope) -> ResponseReturnValue:
    return _page(own(scope))


def _page(scope: Scope, status: int = 200, **forms: Any) -> Response:
    user: User = current_user.user
    uri = totp.pending_uri(scope, user)
    context: dict[str, Any] = {
        "password_form": PasswordForm(formdata=None),
        "token_form": TokenForm(formdata=None),
        "code_form": CodeForm(formdata=None),
        "off_form": TotpOffForm(formdata=None),
        "begin_form": TotpBeginForm(formdata=None),
    }
    return render.page(
        "account/show.html",
        status,
        person=user,
        home=scope.organization,
        numbers=voice_phone_numbers.of_user(scope, user),
        tokens=tokens.of_user(scope, user),
        now=clock.now(),
        totp_is_on=totp.is_on(user),
        totp_code=_drawn(uri) if uri else None,
        totp_uri=uri,
        **(context | forms),
    )


def _drawn(uri: str) -> Markup:
    """The code as SVG: made of squares alone, nothing of the text is in it."""
    return Markup(segno.make(uri, error="m").svg_inline(scale=4, border=2, light="#fff"))  # noqa: S704


def _back() -> Response:
    return render.see(url_for("account.show"))


@account.page("/account/password", who=Who.USER, methods=["POST"])
def change_password(scope: Scope) -> ResponseReturnValue:
    scope = own(scope)
    form = PasswordForm()
    try:
        people.change_password(
            scope,
            current_user.user,
            form.current_password.data or "",
            form.new_password.data or "",
            session_token=current_user.token,
        )
    except Invalid as error:
        form.show(error)
        return _page(scope, 422, password_form=form)
    except TooMany as error:
        form.current_password.errors = [error.message]
        return _page(scope, 429, password_form=form)
    flash("Your password is changed, and your other sessions are signed out.", "ok")
    return _back()


@account.page("/account/tokens", who=Who.USER, methods=["POST"])
def issue_token(scope: Scope) -> ResponseReturnValue:
    """The token is in this answer, and nowhere afterwards."""
    scope = own(scope)
    form = TokenForm()
    try:
        confirm_password(scope, form.your_password.data)
        issued = tokens.issue(
            scope,
            current_user.user,
            name=(form.name.data or "").strip(),
            scopes=(SECRETS,) if form.scope.data else (),
            days=form.days,
        )
    except Invalid as error:
        form.show(error)
        return _page(scope, 422, token_form=form)
    except TooMany as error:
        form.your_password.errors = [error.message]
        return _page(scope, 429, token_form=form)
    return render.page(
        "people/token_once.html",
        jwt=issued.jwt,
        token=issued.token,
        person=current_user.user,
        back=url_for("account.show"),
    )


@account.page("/account/tokens/<token_id>/revoke", who=Who.USER, methods=["POST"])
def revoke_token(scope: Scope, token_id: str) -> ResponseReturnValue:
    token = tokens.revoke(own(scope), current_user.user, token_id)
    flash(f"The token “{token.name}” is revoked.", "ok")
    return _back()


@account.page("/account/two-step", who=Who.USER, methods=["POST"])
def begin_totp(scope: Scope) -> ResponseReturnValue:
    scope = own(scope)
    form = TotpBeginForm()
    try:
        confirm_password(scope, form.your_password.data)
        totp.begin(scope, current_user.user)
    except Invalid as error:
        form.show(error)
        return _page(scope, 422, begin_form=form)
    except TooMany as error:
        form.your_password.errors = [error.message]
        return _page(scope, 429, begin_form=form)
    except Conflict as error:
        flash(error.message, "warn")
    return render.see(url_for("account.show") + "#two-step")


@account.page("/account/two-step/confirm", who=Who.USER, methods=["POST"])
def confirm_totp(scope: Scope) -> ResponseReturnValue:
    scope = own(scope)
    form = CodeForm()
    try:
        totp.confirm(scope, current_user.user, form.code.data or "", session_token=current_user.token)
    except Invalid as error:
        form.show(error)
        return _page(scope, 422, code_form=form)
    flash("Two-step sign-in is on. Your other sessions are signed out.", "ok")
    return _back()


@account.page("/account/two-step/off", who=Who.USER, methods=["POST"])
def switch_totp_off(scope: Scope) -> ResponseReturnValue:
    scope = own(scope)
    form = TotpOffForm()
    try:
        confirm_password(scope, form.your_password.data)
        totp.switch_off(scope, current_user.user, session_token=current_user.token)
    except Invalid as error:
        form.show(error)
        return _page(scope, 422, off_form=form)
    except TooMany as error:
        form.your_password.errors = [error.message]
        return _page(scope, 429, off_form=form)
    flash("Two-step sign-in is off.", "ok")
    return _back()
