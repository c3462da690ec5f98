"""The pages of users: roles, voice phone numbers, API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Response, flash, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from app import context, links
from app.core import clock, phone, user_agents
from app.core.errors import Conflict, Forbidden, Stale, TryLater
from app.models import LinkPurpose, PasswordLink, Role, User, VoicePhoneNumber
from app.providers import trunks
from app.services.access import password_links, tokens, totp, users
from app.services.access.password_links import NewLink
from app.services.access.step_up import PasswordNeeded
from app.services.numbers import assignments
from app.services.scope import Scope
from app.web.access import issue, link_mail, messages
from app.web.access.account import session_rows
from app.web.access.forms import LinkForm, NumberForm, PersonForm, TokenForm
from app.web.shell import render
from app.web.shell.conflicts import merge_with_stored, reconfirm_when_stale
from app.web.shell.forms import AccessForm, ConfirmForm, text_or_none, yes_or_no
from app.web.shell.guard import Pages, Who, confirm_if_old, needs_password
from app.web.shell.history import history
from app.web.shell.registry import Link, Section


def _subjects(scope: Scope, path: Mapping[str, Any]) -> list[str]:
    return [users.get(scope, path["user_id"]).email] if "user_id" in path else []


people = Pages("people", __name__, subjects=_subjects)

GIVE_BACK = Markup('{} <a href="{}">Give it back…</a>')


@people.page(
    "/o/<slug>/people",
    who=Who.SUPERADMIN,
    title="People",
    link=Link(Section.ORGANIZATION, 10, icon="people", key="p"),
)
def table(scope: Scope) -> ResponseReturnValue:
    text = request.args.get("q", "").strip()[:100]
    page = users.page(scope, text, after=request.args.get("after") or None)
    invitations = password_links.invitations(scope)
    return render.page(
        "access/people.html",
        people=page.rows,
        next_page=urlencode({"q": text, "after": page.next} if text else {"after": page.next})
        if page.next
        else None,
        is_first="after" not in request.args,
        text=text,
        can_search=bool(text) or users.needs_search(scope),
        numbers=users.number_counts(scope),
        two_step={user.id for user in page.rows if totp.is_on(user)},
        invitations=invitations,
        expired={user_id for user_id, link in invitations.items() if password_links.is_expired(link)},
    )


@people.page(
    "/o/<slug>/people/new",
    who=Who.SUPERADMIN,
    title="Add person",
    link=Link(Section.ORGANIZATION, 20, in_navigation=False, icon="plus"),
    words="invite user",
)
def new(_scope: Scope) -> ResponseReturnValue:
    return _new(PersonForm())


def _new(form: PersonForm, status: int = 200) -> Response:
    return render.page("access/new_person.html", status, form=form, ask_password=needs_password())


@people.page("/o/<slug>/people/new", who=Who.SUPERADMIN, methods=["POST"])
def create(scope: Scope) -> ResponseReturnValue:
    form = PersonForm()
    submitted = {name: form[name].data or "" for name in ("name", "email", "role")}
    beside = {PasswordNeeded: "your_password", TryLater: "", Conflict: "email"}
    with form.refusals(partial(_new, form), beside):
        user, link = users.invite(confirm_if_old(scope, form), submitted)
    return _show_link_once(scope, user, link)


def _show_link_once(scope: Scope, user: User, link: NewLink) -> Response:
    """Shows a new link in this response only, and sends it to its user by mail."""
    mailed = link_mail.send(scope, user, link)
    return render.page(
        "access/link_once.html",
        url=links.of_password(link.token, context.shown_origin()),
        mailed=mailed,
        link=link,
        person=user,
        is_invitation=link.purpose is LinkPurpose.INVITATION,
    )


def _to(user: User) -> Response:
    return render.redirect_to(url_for("people.show", user_id=user.id))


def _name(scope: Scope, user_id: str) -> str:
    return users.get(scope, user_id).name


@people.page("/o/<slug>/people/<user_id>", who=Who.SUPERADMIN, title="Person", name=_name)
def show(scope: Scope, user_id: str) -> ResponseReturnValue:
    return _page(scope, users.get(scope, user_id))


def _page(scope: Scope, user: User, status: int = 200, **forms: Any) -> Response:
    link = password_links.of_user(scope, user)
    context: dict[str, Any] = {
        "form": PersonForm(formdata=None, obj=user),
        "number_form": NumberForm(formdata=None, **_prefilled_number()),
        "token_form": TokenForm(formdata=None),
        "access_form": AccessForm(formdata=None, version=str(user.version)),
        "conflicts": None,
    }
    return render.page(
        "access/person.html",
        status,
        person=user,
        numbers=assignments.of_user(scope, user),
        ai_carriers=trunks(),
        tokens=tokens.of_user(scope, user),
        now=clock.now(),
        history=history(scope, user.email),
        sessions=session_rows(scope, user),
        is_self=user.id == scope.actor.user_id,
        ask_password=needs_password(),
        can_issue=user.id == scope.actor.user_id or user.role != Role.SUPERADMIN,
        totp_is_on=totp.is_on(user),
        link=link,
        is_invited=_is_invited(link),
        link_is_over=link is not None and password_links.is_expired(link),
        password_set=None if link else users.password_set_by_other(scope, user),
        **(context | forms),
    )


def _prefilled_number() -> dict[str, str]:
    """Returns the number form's values from the query."""
    names = {"phone_number": "number", "provider": "provider", "label": "label"}
    return {field: request.args[name][:200] for field, name in names.items() if name in request.args}


@people.page("/o/<slug>/people/<user_id>", who=Who.SUPERADMIN, methods=["POST"])
def save(scope: Scope, user_id: str) -> ResponseReturnValue:
    form = PersonForm()
    submitted = {"name": form.name.data or "", "role": form.role.data or ""}
    was = users.get(scope, user_id)
    is_other = submitted["role"] != was.role
    revokes = is_other and bool(tokens.of_user(scope, was))

    def page(status: int, **more: Any) -> Response:
        return _page(scope, users.get(scope, user_id), status, form=form, **more)

    try:
        with form.refusals(page, {PasswordNeeded: "your_password", TryLater: "", Conflict: ""}):
            trusted = confirm_if_old(scope, form) if is_other else scope
            user = users.update_user(trusted, user_id, submitted, version=form.submitted_version)
    except Stale:
        user = users.get(scope, user_id)
        fresh = PersonForm(formdata=None, obj=user)
        return page(412, conflicts=merge_with_stored(scope, form, fresh, [user.email], ("name", "role")))
    flash(messages.user_saved(user.name, revoked=revokes), "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/disabled", who=Who.SUPERADMIN, methods=["POST"])
@reconfirm_when_stale(show)
def set_disabled(scope: Scope, user_id: str) -> ResponseReturnValue:
    disabled, form = yes_or_no("disabled"), AccessForm()
    user = users.get(scope, user_id)

    def page(status: int) -> Response:
        return _page(scope, users.get(scope, user_id), status, access_form=form)

    try:
        with form.refusals(page, {PasswordNeeded: "your_password", TryLater: "your_password"}):
            trusted = scope if disabled else confirm_if_old(scope, form)
            users.set_disabled(trusted, user_id, disabled, reason=form.why, version=form.submitted_version)
    except (Conflict, Forbidden) as error:
        flash(error.message, "bad")
        return _to(user)
    flash((messages.user_disabled if disabled else messages.user_enabled)(user.name), "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/sessions/end", who=Who.SUPERADMIN, methods=["POST"])
def end_sessions(scope: Scope, user_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    try:
        users.end_sessions(scope, user_id)
    except Forbidden as error:
        flash(error.message, "bad")
        return _to(user)
    flash(messages.signed_out_everywhere(user.name), "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/sessions/<session_id>/end", who=Who.SUPERADMIN, methods=["POST"])
def end_session(scope: Scope, user_id: str, session_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    try:
        ended = users.end_session(scope, user, session_id)
    except Forbidden as error:
        flash(error.message, "bad")
        return _to(user)
    flash(messages.session_of_other_ended(user.name, user_agents.words(ended.user_agent)), "ok")
    return render.redirect_to(url_for("people.show", user_id=user.id) + "#sessions")


@people.page(
    "/o/<slug>/people/<user_id>/link",
    who=Who.SUPERADMIN,
    title="Create link",
    former="/o/<slug>/people/<user_id>/password",
)
def new_link(scope: Scope, user_id: str) -> ResponseReturnValue:
    return _new_link(scope, users.get(scope, user_id), LinkForm())


def _new_link(scope: Scope, user: User, form: LinkForm, status: int = 200) -> Response:
    return render.page(
        "access/new_link.html",
        status,
        person=user,
        form=form,
        totp_is_on=totp.is_on(user),
        is_invitation=_is_invited(password_links.of_user(scope, user)),
        ask_password=needs_password(),
    )


def _is_invited(link: PasswordLink | None) -> bool:
    return link is not None and link.purpose == LinkPurpose.INVITATION


@people.page("/o/<slug>/people/<user_id>/link", who=Who.SUPERADMIN, methods=["POST"])
def create_link(scope: Scope, user_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    form = LinkForm()
    beside = {PasswordNeeded: "your_password", Forbidden: "", Conflict: "", TryLater: ""}
    with form.refusals(partial(_new_link, scope, user, form), beside):
        trusted = confirm_if_old(scope, form)
        link = password_links.create(trusted, user, ends_two_step=form.ends_two_step.data)
    return _show_link_once(scope, user, link)


@people.page("/o/<slug>/people/<user_id>/link/cancel", who=Who.SUPERADMIN, methods=["POST"])
def cancel_link(scope: Scope, user_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    password_links.cancel(scope, user)
    flash(messages.LINK_CANCELLED, "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/numbers", who=Who.SUPERADMIN, methods=["POST"])
def assign_number(scope: Scope, user_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    form = NumberForm()
    submitted = {
        "userId": user.id,
        "provider": form.provider.data or "",
        "phoneNumber": form.phone_number.data or "",
        "label": text_or_none(form.label),
        "isDefault": form.is_default.data,
    }

    def page(status: int) -> Response:
        return _page(scope, users.get(scope, user_id), status, number_form=form)

    with form.refusals(page, {Conflict: "phone_number"}):
        number, _ = assignments.assign(scope, submitted)
    flash(messages.number_assigned(phone.display(number.phone_number), user.name), "ok")
    return _to(user)


@people.page("/o/<slug>/people/<user_id>/numbers/<number_id>/default", who=Who.SUPERADMIN, methods=["POST"])
def make_default(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    number = assignments.make_default(scope, user, number_id)
    flash(messages.default_set(phone.display(number.phone_number)), "ok")
    return _to(user)


@people.page(
    "/o/<slug>/people/<user_id>/numbers/<number_id>/take", who=Who.SUPERADMIN, title="Unassign number"
)
def confirm_unassign(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    number = assignments.get(scope, user, number_id)
    needs_ai_off = assignments.is_last_with_ai(scope, number)
    return render.page(
        "access/take_number.html", person=user, number=number, needs_ai_off=needs_ai_off, form=ConfirmForm()
    )


@people.page("/o/<slug>/people/<user_id>/numbers/<number_id>/take", who=Who.SUPERADMIN, methods=["POST"])
def unassign_number(scope: Scope, user_id: str, number_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    number = assignments.get(scope, user, number_id)
    try:
        assignments.unassign(scope, user.id, number.provider, number.phone_number, reason=ConfirmForm().why)
    except Conflict as error:
        flash(error.message, "bad")
        return _to(user)
    done = messages.number_unassigned(phone.display(number.phone_number), user.name)
    flash(GIVE_BACK.format(done, _address_to_reassign(user, number)), "ok")
    return _to(user)


def _address_to_reassign(user: User, number: VoicePhoneNumber) -> str:
    """Returns the address of the user's page with the number filled in."""
    typed = {"number": number.phone_number, "provider": number.provider, "label": number.label or ""}
    person = url_for("people.show", user_id=user.id)
    return f"{person}?{urlencode(typed)}#give-title"


@people.page("/o/<slug>/people/<user_id>/tokens", who=Who.SUPERADMIN, methods=["POST"])
def issue_token(scope: Scope, user_id: str) -> ResponseReturnValue:
    def page(status: int, form: TokenForm) -> Response:
        return _page(scope, users.get(scope, user_id), status, token_form=form)

    back = url_for("people.show", user_id=user_id)
    return issue.issue_token(scope, users.get(scope, user_id), page, back)


@people.page("/o/<slug>/people/<user_id>/tokens/<token_id>/revoke", who=Who.SUPERADMIN, methods=["POST"])
def revoke_token(scope: Scope, user_id: str, token_id: str) -> ResponseReturnValue:
    user = users.get(scope, user_id)
    token = tokens.revoke(scope, user, token_id, reason=ConfirmForm().why)
    flash(messages.token_revoked(token.name), "ok")
    return _to(user)
