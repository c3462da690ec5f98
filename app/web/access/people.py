"""People: roles, voice phone numbers, API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app.core import clock, phone, texts, user_agents
from app.core.errors import Conflict, Forbidden, Invalid, Stale, TryLater
from app.models import Role, User, VoicePhoneNumber
from app.services.access import passwords, sessions, tokens, totp, users
from app.services.access.step_up import PasswordNeeded
from app.services.numbers import assignments
from app.services.scope import SECRETS, Scope
from app.services.voice_ai import selection
from app.web.access.forms import NumberForm, PersonForm, ResetForm, TokenForm
from app.web.shell import render
from app.web.shell.conflicts import merge_with_stored, reconfirm_when_stale
from app.web.shell.forms import AccessForm, ConfirmForm, text_or_none, yes_or_no
from app.web.shell.guard import Pages, Who, asks_password, confirm_if_old, confirm_password
from app.web.shell.history import history
from app.web.shell.registry import Link, Section


def _subjects(scope: Scope, path: Mapping[str, Any]) -> list[str]:
    return [users.get(scope, path["user_id"]).email] if "user_id" in path else []


people = Pages("people", __name__, subjects=_subjects)

GIVE_BACK = Markup('{} <a href="{}">Give it back…</a>')


@people.page("/o/<slug>/people", who=Who.SUPERADMIN, title="People", link=Link(Section.ORGANIZATION, 10))
def table(scope: Scope) -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:100]
    found = users.page(scope, text, after=request.args.get("after") or None)
    return render.page(
        "access/people.html",
        people=found.rows,
        next_page=urlencode({"q": text, "after": found.next} if text else {"after": found.next})
        if found.next
        else None,
        is_first="after" not in request.args,
        text=text,
        can_search=bool(text) or users.are_many(scope),
        numbers=users.number_counts(scope),
    )


@people.page(
    "/o/<slug>/people/new",
    who=Who.SUPERADMIN,
    title="Add person",
    link=Link(Section.ORGANIZATION, 20, in_navigation=False),
)
def new(_scope: Scope) -> ResponseReturnValue:
    return _new(PersonForm())


def _new(form: PersonForm, status: int = 200) -> Response:
    return render.page("access/new_person.html", status, form=form, ask_password=asks_password())


@people.page("/o/<slug>/people/new", who=Who.SUPERADMIN, methods=["POST"])
def create(scope: Scope) -> ResponseReturnValue:
    form = PersonForm()
    sent = {name: form[name].data or "" for name in ("name", "email", "role", "password")}
    try:
        user = users.create(confirm_if_old(scope, form), sent)
    except PasswordNeeded as error:
        form.your_password.errors = [error.message]
        return _new(form, error.status)
    except Invalid as error:
        form.add_errors(error)
        return _new(form, 422)
    except TryLater as error:
        form.form_errors.append(error.message)
        return render.later(_new(form, error.status), error)
    except Conflict as error:
        form.email.errors = [error.message]
        return _new(form, 409)
    told = "Tell them to choose their own under Account: until then, you know it too."
    flash(
        f"{texts.bidi_isolate(user.name)} can sign in with {user.email} and the password you gave. {told}",
        "ok",
    )
    return _to(user)


def _to(user: User) -> Response:
    return render.redirect_to(url_for("people.show", user_id=user.id))


@people.page("/o/<slug>/people/<user_id>", who=Who.SUPERADMIN, title="Person")
def show(scope: Scope, user_id: str) -> ResponseReturnValue:
    return _page(scope, users.get(scope, user_id))


def _page(scope: Scope, user: User, status: int = 200, **forms: Any) -> Response:
    context: dict[str, Any] = {
        "form": PersonForm(formdata=None, obj=user),
        "number_form": NumberForm(formdata=None, **_typed()),
        "token_form": TokenForm(formdata=None),
        "access_form": AccessForm(formdata=None, version=str(user.version)),
        "conflicts": None,
    }
    return render.page(
        "access/person.html",
        status,
        person=user,
        numbers=assignments.of_user(scope, user),
        ai_carriers=selection.trunks(),
        tokens=tokens.of_user(scope, user),
        now=clock.now(),
        history=history(scope, user.email),
        sessions=[(row, user_agents.words(row.user_agent)) for row in sessions.of_user(scope, user)],
        is_self=user.id == scope.actor.user_id,
        ask_password=asks_password(),
        can_issue=user.id == scope.actor.user_id or user.role != Role.SUPERADMIN,
        totp_is_on=totp.is_on(user),
        given=users.password_given(scope, user),
        **(context | forms),
    )


def _typed() -> dict[str, str]:
    """A number to give, as the address has it."""
    asked = {"phone_number": "number", "provider": "provider", "label": "label"}
    return {field: request.args[name][:200] for field, name in asked.items() if name in request.args}


@people.page("/o/<slug>/people/<user_id>", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope, user_id: str) -> ResponseReturnValue:
    form = PersonForm()
    sent = {"name": form.name.data or "", "role": form.role.data or ""}
    was = users.get(scope, user_id)
    is_other = sent["role"] != was.role
    revokes = is_other and bool(tokens.of_user(scope, was))
    try:
        if is_other:
            scope = confirm_if_old(scope, form)
        user = users.update_user(scope, user_id, sent, version=form.version_sent)
    except PasswordNeeded as error:
        form.your_password.errors = [error.message]
        return _page(scope, users.get(scope, user_id), error.status, form=form)
    except TryLater as error:
        form.form_errors.append(error.message)
        page = _page(scope, users.get(scope, user_id), error.status, form=form)
        return render.later(page, error)
    except Invalid as error:
        form.add_errors(error)
        return _page(scope, users.get(scope, user_id), 422, form=form)
    except Conflict as error:
        form.form_errors.append(error.message)
        return _page(scope, users.get(scope, user_id), 409, form=form)
    except Stale:
        user = users.get(scope, user_id)
        fresh = PersonForm(formdata=None, obj=user)
        conflicts = merge_with_stored(scope, form, fresh, [user.email], ("name", "role"))
        return _page(scope, user, 412, form=form, conflicts=conflicts)
    done = f"{texts.bidi_isolate(user.name)} saved."
    flash(f"{done} The new role revoked their API tokens." if revokes else done, "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/disabled", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(show)
def set_disabled(scope: Scope, user_id: str) -> ResponseReturnValue:
    disabled, form = yes_or_no("disabled"), AccessForm()
    user = users.get(scope, user_id)
    try:
        if not disabled:
            scope = confirm_if_old(scope, form)
        users.set_disabled(scope, user_id, disabled, reason=form.why, version=form.version_sent)
    except PasswordNeeded as error:
        form.your_password.errors = [error.message]
        return _page(scope, user, error.status, access_form=form)
    except Invalid as error:
        form.add_errors(error)
        return _page(scope, users.get(scope, user_id), 422, access_form=form)
    except TryLater as error:
        form.your_password.errors = [error.message]
        page = _page(scope, users.get(scope, user_id), error.status, access_form=form)
        return render.later(page, error)
    except (Conflict, Forbidden) as error:
        flash(error.message, "bad")
        return _to(user)
    done = "is disabled: signed out everywhere, tokens revoked" if disabled else "can sign in again"
    flash(f"{texts.bidi_isolate(user.name)} {done}.", "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/sessions/end", who=Who.SUPERADMIN, methods=["POST"])
def end_sessions(scope: Scope, user_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    try:
        users.end_sessions(scope, user_id)
    except Forbidden as error:
        flash(error.message, "bad")
        return _to(user)
    flash(f"{texts.bidi_isolate(user.name)} is signed out everywhere.", "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/password", who=Who.SUPERADMIN, title="Reset password")
def confirm_reset(scope: Scope, user_id: str) -> ResponseReturnValue:
    return _reset(users.get(scope, user_id), ResetForm())


def _reset(user: User, form: ResetForm, status: int = 200) -> Response:
    return render.page("access/reset.html", status, person=user, form=form, totp_is_on=totp.is_on(user))


@people.page("/o/<slug>/people/<user_id>/password", who=Who.SUPERADMIN, methods=["POST"])
def reset(scope: Scope, user_id: str) -> ResponseReturnValue:
    """A password that was made here is in this answer, and nowhere afterwards."""
    user = users.get(scope, user_id)
    form = ResetForm()
    typed = form.password.data
    password = typed or passwords.generated()
    try:
        scope = confirm_password(scope, form.your_password.data)
        users.reset(scope, user, password, keeps_two_step=not form.ends_two_step.data)
    except Invalid as error:
        form.add_errors(error)
        return _reset(user, form, 422)
    except Forbidden as error:
        form.form_errors.append(error.message)
        return _reset(user, form, 403)
    except TryLater as error:
        form.your_password.errors = [error.message]
        return render.later(_reset(user, form, error.status), error)
    if not typed:
        return render.page("access/password_once.html", password=password, person=user)
    flash(
        f"{texts.bidi_isolate(user.name)} has a new password, is signed out everywhere, "
        "and has no token any more.",
        "ok",
    )
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/numbers", who=Who.SUPERADMIN, methods=["POST"])
def give_number(scope: Scope, user_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    form = NumberForm()
    sent = {
        "userId": user.id,
        "provider": form.provider.data or "",
        "phoneNumber": form.phone_number.data or "",
        "label": text_or_none(form.label),
        "isDefault": form.is_default.data,
    }
    try:
        number, _ = assignments.assign(scope, sent)
    except Invalid as error:
        form.add_errors(error)
        return _page(scope, user, 422, number_form=form)
    except Conflict as error:
        form.phone_number.errors = [error.message]
        return _page(scope, users.get(scope, user_id), 409, number_form=form)
    flash(f"{texts.bidi_isolate(user.name)} has {phone.display(number.phone_number)} now.", "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/numbers/<number_id>/default", who=Who.SUPERADMIN, methods=["POST"])
def make_default(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    number = assignments.make_default(scope, user, number_id)
    flash(f"{phone.display(number.phone_number)} is the default.", "ok")
    return _to(user)


@people.page(
    "/o/<slug>/people/<user_id>/numbers/<number_id>/take", who=Who.SUPERADMIN, title="Unassign number"
)
def confirm_take(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    number = assignments.get(scope, user, number_id)
    needs_ai_off = assignments.is_last_with_ai(scope, number)
    return render.page(
        "access/take_number.html", person=user, number=number, needs_ai_off=needs_ai_off, form=ConfirmForm()
    )


@people.page("/o/<slug>/people/<user_id>/numbers/<number_id>/take", who=Who.SUPERADMIN, methods=["POST"])
def take_number(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    number = assignments.get(scope, user, number_id)
    try:
        assignments.unassign(scope, user.id, number.provider, number.phone_number, reason=ConfirmForm().why)
    except Conflict as error:
        flash(error.message, "bad")
        return _to(user)
    told = f"{phone.display(number.phone_number)} is taken from {texts.bidi_isolate(user.name)}."
    flash(GIVE_BACK.format(told, _giving(user, number)), "ok")
    return _to(user)


def _giving(user: User, number: VoicePhoneNumber) -> str:
    """The person's page, with the number typed."""
    typed = {"number": number.phone_number, "provider": number.provider, "label": number.label or ""}
    person = url_for("people.show", user_id=user.id)
    return f"{person}?{urlencode(typed)}#give-title"


@people.page("/o/<slug>/people/<user_id>/tokens", who=Who.SUPERADMIN, methods=["POST"])
def issue_token(scope: Scope, user_id: str) -> ResponseReturnValue:
    """The token is in this answer, and nowhere afterwards."""
    user = users.get(scope, user_id)
    form = TokenForm()
    try:
        scope = confirm_password(scope, form.your_password.data)
        issued = tokens.issue(
            scope,
            user,
            name=(form.name.data or "").strip(),
            scopes=(SECRETS,) if form.scope.data else (),
            days=form.days,
        )
    except Invalid as error:
        form.add_errors(error)
        return _page(scope, users.get(scope, user_id), 422, token_form=form)
    except TryLater as error:
        form.your_password.errors = [error.message]
        return render.later(_page(scope, users.get(scope, user_id), error.status, token_form=form), error)
    back = url_for("people.show", user_id=user_id)
    return render.page("access/token_once.html", jwt=issued.jwt, token=issued.token, person=user, back=back)


@people.page("/o/<slug>/people/<user_id>/tokens/<token_id>/revoke", who=Who.SUPERADMIN, methods=["POST"])
def revoke_token(scope: Scope, user_id: str, token_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    token = tokens.revoke(scope, user, token_id, reason=ConfirmForm().why)
    flash(f"The token “{texts.bidi_isolate(token.name)}” is revoked.", "ok")
    return _to(user)
