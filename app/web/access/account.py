"""The signed-in user's account: numbers, tokens, sessions, two-step sign-in, password."""

from __future__ import annotations

from functools import partial
from typing import Any

import segno
from flask import Response, flash, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from app import compression
from app.core import clock, user_agents
from app.core.errors import Conflict, TryLater
from app.models import User
from app.services.access import recovery_codes, sessions, sign_in, tokens, totp, two_step_policy, users
from app.services.access.step_up import PasswordNeeded
from app.services.numbers import assignments
from app.services.scope import Scope
from app.web.access import issue, messages
from app.web.access.forms import (
    CodeForm,
    CodesFileForm,
    NewCodesForm,
    PasswordForm,
    ReauthForm,
    TokenForm,
    TotpBeginForm,
    TotpOffForm,
)
from app.web.shell import render
from app.web.shell.forms import ConfirmForm
from app.web.shell.guard import Pages, Who, confirm_password, home_scope, needs_password
from app.web.shell.registry import Link, Section

PARTS = {
    "Your API tokens": "tokens-title",
    "Your active sessions": "sessions",
    "Two-step sign-in": "two-step",
    "Your password": "password",
}

account = Pages("account", __name__)


@account.page(
    "/account",
    who=Who.USER,
    title="Your account",
    link=Link(Section.GLOBAL, 40, icon="person", key="u", parts=PARTS),
    words="profile token",
    before_two_step=True,
)
def show(scope: Scope) -> ResponseReturnValue:
    return _page(home_scope(scope))


def _page(scope: Scope, status: int = 200, **forms: Any) -> Response:
    user: User = current_user.user
    uri = None if needs_password() else totp.pending_uri(scope, user)
    if uri:
        compression.shows_secret()
    context: dict[str, Any] = {
        "password_form": PasswordForm(formdata=None),
        "token_form": TokenForm(formdata=None),
        "code_form": CodeForm(formdata=None),
        "off_form": TotpOffForm(formdata=None),
        "begin_form": TotpBeginForm(formdata=None),
        "codes_form": NewCodesForm(formdata=None),
    }
    return render.page(
        "access/account.html",
        status,
        person=user,
        home=scope.organization,
        password_set=users.password_set_by_other(scope, user),
        numbers=assignments.of_user(scope, user),
        tokens=tokens.of_user(scope, user),
        now=clock.now(),
        totp_is_on=totp.is_on(user),
        totp_is_missing=two_step_policy.is_missing(scope, user),
        totp_code=_qr_code(uri) if uri else None,
        totp_uri=uri,
        totp_key=totp.key_of(uri) if uri else None,
        codes_left=recovery_codes.remaining(scope, user) if totp.is_on(user) else None,
        codes_few=recovery_codes.FEW,
        sessions=session_rows(scope, user),
        **(context | forms),
    )


def session_rows(scope: Scope, user: User) -> list[dict[str, Any]]:
    """Returns the rows of the table of a user's sessions."""
    return [
        {
            "row": row,
            "browser": user_agents.words(row.user_agent),
            "is_this": sessions.is_of(row, current_user.token),
        }
        for row in sessions.of_user(scope, user)
    ]


def _qr_code(uri: str) -> Markup:
    """Returns the QR code as SVG, which contains squares only and no text from outside."""
    return Markup(segno.make(uri, error="m").svg_inline(scale=4, border=2, light="#fff"))  # noqa: S704


def _back() -> Response:
    return render.redirect_to(url_for("account.show"))


@account.page("/account/password", who=Who.USER, methods=["POST"], before_two_step=True)
def change_password(scope: Scope) -> ResponseReturnValue:
    scope = home_scope(scope)
    form = PasswordForm()
    page = partial(_page, scope, password_form=form)
    with form.refusals(page, {TryLater: "current_password"}):
        users.change_password(
            scope,
            current_user.user,
            form.current_password.data or "",
            form.new_password.data or "",
            session_token=current_user.token,
        )
    flash(messages.password_changed(), "ok")
    return _back()


@account.page("/account/tokens", who=Who.USER, methods=["POST"])
def issue_token(scope: Scope) -> ResponseReturnValue:
    scope = home_scope(scope)

    def page(status: int, form: TokenForm) -> Response:
        return _page(scope, status, token_form=form)

    return issue.issue_token(scope, current_user.user, page, url_for("account.show"))


@account.page("/account/tokens/<token_id>/revoke", who=Who.USER, methods=["POST"])
def revoke_token(scope: Scope, token_id: str) -> ResponseReturnValue:
    token = tokens.revoke(home_scope(scope), current_user.user, token_id, reason=ConfirmForm().why)
    flash(messages.token_revoked(token.name), "ok")
    return _back()


@account.page("/account/two-step", who=Who.USER, methods=["POST"], before_two_step=True)
def begin_totp(scope: Scope) -> ResponseReturnValue:
    scope = home_scope(scope)
    form = TotpBeginForm()
    try:
        with form.refusals(partial(_page, scope, begin_form=form), {TryLater: "your_password"}):
            totp.begin(confirm_password(scope, form.your_password.data), current_user.user)
    except Conflict as error:
        flash(error.message, "warn")
    return _redirect_to_two_step()


@account.page("/account/two-step/confirm", who=Who.USER, methods=["POST"], before_two_step=True)
def confirm_totp(scope: Scope) -> ResponseReturnValue:
    scope = home_scope(scope)
    form = CodeForm()
    try:
        with form.refusals(partial(_page, scope, code_form=form)):
            codes = totp.confirm(
                scope, current_user.user, form.code.data or "", session_token=current_user.token
            )
    except (Conflict, PasswordNeeded) as error:
        flash(error.message, "warn")
        return _redirect_to_two_step()
    return _show_codes(codes, messages.TWO_STEP_ON)


def _redirect_to_two_step() -> Response:
    return render.redirect_to(url_for("account.show") + "#two-step")


def _show_codes(codes: list[str], done: str) -> Response:
    """Shows new recovery codes in this response only: they cannot be shown again."""
    form = CodesFileForm(formdata=None, codes=" ".join(codes))
    return render.page(
        "access/recovery_codes.html", codes=codes, form=form, done=done, person=current_user.user
    )


@account.page("/account/recovery-codes", who=Who.USER, methods=["POST"])
def renew_codes(scope: Scope) -> ResponseReturnValue:
    scope = home_scope(scope)
    form = NewCodesForm()
    proved = _reauthenticate(scope, form, "codes_form")
    try:
        codes = totp.renew_recovery_codes(proved, current_user.user)
    except Conflict as error:
        flash(error.message, "warn")
        return _redirect_to_two_step()
    return _show_codes(codes, messages.CODES_RENEWED)


@account.page("/account/recovery-codes/file", who=Who.USER, methods=["POST"], before_two_step=True)
def download_codes(scope: Scope) -> ResponseReturnValue:
    """Returns a file of the recovery codes that were just shown.

    Submitted values that are not codes are left out.
    """
    submitted = (CodesFileForm().codes.data or "").split()[: recovery_codes.COUNT]
    codes = recovery_codes.filter_valid(scope, current_user.user, submitted)
    if not codes:
        flash(messages.CODES_REPLACED, "warn")
        return _redirect_to_two_step()
    text = f"Recovery codes of {current_user.email} for Patchbay. Each works once.\n\n"
    answer = Response(text + "\n".join(codes) + "\n", mimetype="text/plain")
    answer.headers["Content-Disposition"] = 'attachment; filename="patchbay-recovery-codes.txt"'
    return answer


def _reauthenticate(scope: Scope, form: ReauthForm, name: str) -> Scope:
    """Returns the scope if the password and the code are right; else aborts with the form."""
    with form.refusals(partial(_page, scope, **{name: form}), {TryLater: ""}):
        proved = confirm_password(scope, form.your_password.data)
        sign_in.confirm_code(proved, current_user.user, form.code.data or "")
    return proved


@account.page("/account/two-step/off", who=Who.USER, methods=["POST"])
def disable_totp(scope: Scope) -> ResponseReturnValue:
    form = TotpOffForm()
    proved = _reauthenticate(home_scope(scope), form, "off_form")
    totp.disable(proved, current_user.user, session_token=current_user.token)
    flash(messages.TWO_STEP_OFF, "ok")
    return _back()


@account.page("/account/sessions/<session_id>/end", who=Who.USER, methods=["POST"])
def end_session(scope: Scope, session_id: str) -> ResponseReturnValue:
    ended = sessions.end_one(home_scope(scope), current_user.user, session_id)
    flash(messages.session_ended(user_agents.words(ended.user_agent)), "ok")
    return render.redirect_to(url_for("account.show") + "#sessions")


@account.page("/account/sessions/end-others", who=Who.USER, methods=["POST"])
def end_other_sessions(scope: Scope) -> ResponseReturnValue:
    sessions.end_others(home_scope(scope), current_user.user, but=current_user.token)
    flash(messages.OTHERS_SIGNED_OUT, "ok")
    return render.redirect_to(url_for("account.show") + "#sessions")
