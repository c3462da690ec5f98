"""Access checks of pages, and the scope that each view runs in."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user, login_user
from htmx_flask import request

from app import context
from app.core import clock, urls
from app.core.errors import Forbidden, NotFound
from app.extensions import login
from app.models import Role, User
from app.services.access import crossing, sessions, sign_in, step_up, two_step_policy
from app.services.access.sign_in import Checked
from app.services.access.step_up import PasswordNeeded
from app.services.organizations import directory
from app.services.scope import Actor, Scope
from app.services.status.places import Place
from app.web.shell import known_browsers, messages
from app.web.shell.forms import Form
from app.web.shell.registry import Action, Link, Page

Subjects = Callable[[Scope, Mapping[str, Any]], Sequence[str]]
View = Callable[..., ResponseReturnValue]
Who = crossing.Who

_IN_ORGANIZATION = re.compile("/o/([^/]+)/")


@dataclass
class SignedIn(UserMixin):  # type: ignore[misc]
    """Flask-Login's user. The cookie contains the session's token, not the user's id."""

    token: str = field(repr=False)
    user: User

    def get_id(self) -> str:
        return self.token

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def email(self) -> str:
        return self.user.email

    @property
    def is_superadmin(self) -> bool:
        return self.user.role == Role.SUPERADMIN


@login.user_loader  # type: ignore[untyped-decorator]
def _load_user(token: str) -> SignedIn | None:
    user = sessions.user_of(context.anonymous_scope(), token, is_use=request.blueprint != "bell")
    return SignedIn(token, user) if user else None


def redirect_to_sign_in() -> Response:
    """Redirects to sign-in, which leads back to the page.

    htmx GETs get `HX-Redirect` to sign-in; htmx POSTs get a bare 401, so the page keeps the typed form.
    """
    by_htmx, changes = bool(request.htmx), request.method != "GET"
    if by_htmx and changes:
        return make_response("", 401)
    if changes and request.endpoint != "sign_in.leave":
        flash(messages.SIGNED_OUT, "warn")
    address = url_for(
        "sign_in.form", next=_current_page() if by_htmx or changes else request.full_path.rstrip("?")
    )
    if not by_htmx:
        return make_response(redirect(address, 303))
    answer = make_response("", 401)
    answer.headers["HX-Redirect"] = address
    return answer


def is_signed_out() -> bool:
    """Whether the page requires a user and the cookie's session has ended."""
    who = getattr(current_app.view_functions.get(request.endpoint or ""), "guard", Who.ANYONE)
    return who is not Who.ANYONE and "_user_id" not in session


def _current_page() -> str | None:
    """Returns the path of the page that sent the request; sign-in validates it again."""
    try:
        page = urlsplit(request.htmx.current_url or request.referrer or "")
    except ValueError:
        return None
    return urlunsplit(("", "", page.path, page.query, "")) or None


class Pages(Blueprint):
    """A blueprint that registers its pages. Each route declares who may open it.

    `subjects` returns the audit's names for the subjects of a path; a conflict lists their changes.
    """

    def __init__(self, name: str, import_name: str, *, subjects: Subjects | None = None) -> None:
        super().__init__(name, import_name)
        self.url_value_preprocessor(_store_slug)
        self.subjects = subjects
        self.registered: list[Page] = []
        self.actions: list[Action] = []

    def page(
        self,
        rule: str,
        *,
        who: Who,
        methods: Sequence[str] = ("GET",),
        title: str = "",
        link: Link | None = None,
        places: Mapping[Place, Mapping[str, Any]] | None = None,
        largest_body: int | None = None,
        former: str = "",
        before_two_step: bool = False,
        guide: str = "",
        name: Callable[..., str] | None = None,
        action: str = "",
        icon: str = "page",
        words: str = "",
    ) -> Callable[[View], View]:
        """Registers a view that `who` may open, and passes it the scope of the path's organization.

        With a `title` it is a page for users; without one it is an action or a file. `largest_body` is the
        limit in bytes for a route that accepts files. `former` is the page's earlier address: it redirects.
        `name` returns the page's label in breadcrumbs, from the scope and the values of its address.
        The palette can submit an `action`, a form without fields, under that label and with the `icon`.
        It also finds a page or an action by its `words`, which are other products' names for it.
        A superadmin who still has to turn on two-step sign-in may open only routes with `before_two_step`.
        """

        def declare(view: View) -> View:
            endpoint = f"{self.name}.{view.__name__}"
            if action:
                self.actions.append(Action(endpoint, rule, action, icon, who, words))
            if title:
                page = Page(endpoint, rule, title, who, link, places or {}, name, guide, words)
                self.registered.append(page)
            self.add_url_rule(
                rule,
                view.__name__,
                _guarded(view, who, largest_body, before_two_step),
                methods=list(methods),
                provide_automatic_options=False,
            )
            if former:
                self.add_url_rule(
                    former,
                    view.__name__,
                    methods=list(methods),
                    provide_automatic_options=False,
                    alias=True,
                )
            return view

        return declare


def _store_slug(_endpoint: str | None, path: dict[str, Any] | None) -> None:
    """Moves the slug from the path to `g`; `add_slug` adds it to the links of the page."""
    if path and "slug" in path:
        g.slug = path.pop("slug")


def add_slug(endpoint: str, values: dict[str, Any]) -> None:
    """Adds the request's organization to a link that needs one."""
    if "slug" in g and current_app.url_map.is_endpoint_expecting(endpoint, "slug"):
        values.setdefault("slug", g.slug)


def pages() -> Iterator[Page]:
    """Yields every page of the app's blueprints."""
    for blueprint in current_app.blueprints.values():
        if isinstance(blueprint, Pages):
            yield from blueprint.registered


def actions() -> Iterator[Action]:
    """Yields the actions of the app's blueprints."""
    for blueprint in current_app.blueprints.values():
        if isinstance(blueprint, Pages):
            yield from blueprint.actions


def _guarded(view: View, who: Who, largest_body: int | None, before_two_step: bool) -> View:
    @functools.wraps(view)
    def run(**path: Any) -> ResponseReturnValue:
        if who is Who.ANYONE:
            return view(context.anonymous_scope(), **path)
        if not current_user.is_authenticated:
            return redirect_to_sign_in()
        if who is Who.SUPERADMIN and not current_user.is_superadmin:
            if request.endpoint == "organizations.table":
                return make_response(redirect(url_for("account.show")))
            raise Forbidden(messages.SUPERADMINS_ONLY)
        if not before_two_step and two_step_policy.is_missing(context.anonymous_scope(), current_user.user):
            return _redirect_to_two_step()
        return view(_scope(), **path)

    run.guard = who  # type: ignore[attr-defined]
    run.largest_body = largest_body  # type: ignore[attr-defined]
    return run


def _redirect_to_two_step() -> Response:
    """Redirects to the account's page; for htmx, the whole page."""
    flash(messages.TWO_STEP_NEEDED, "warn")
    address = url_for("account.show") + "#two-step"
    if not request.htmx:
        return make_response(redirect(address, 303))
    answer = make_response("", 403)
    answer.headers["HX-Redirect"] = address
    return answer


def _scope() -> Scope:
    user: User = current_user.user
    actor = Actor(
        name=user.email,
        user_id=user.id,
        organization_id=user.organization_id,
        role=Role(user.role),
        ip=context.client_address(),
        request_id=g.request_id,
        password_typed_at=sessions.password_typed_at(context.anonymous_scope(), current_user.token)
        if request.method == "POST"
        else None,
    )
    scope = context.scope(actor)
    if "slug" not in g:
        return scope
    inside = crossing.enter(scope, directory.by_slug(scope, g.slug))
    g.scope = inside
    return inside


def enter_named_organization() -> None:
    """Sets the scope of an error page to its address's organization, for a superadmin."""
    match = _IN_ORGANIZATION.match(request.path)
    may_enter = current_user.is_superadmin and not two_step_policy.is_missing(
        context.anonymous_scope(), current_user.user
    )
    if not match or "scope" in g or not may_enter:
        return
    g.slug = match[1]
    try:
        _scope()
    except NotFound:
        del g.slug


def start_session(scope: Scope, checked: Checked) -> None:
    """Starts a new session, without any data of an older one."""
    session.clear()
    token = sign_in.start_session(scope, checked, user_agent=request.user_agent.string)
    login_user(SignedIn(token, checked.user))
    known_browsers.remember(checked.user.id)


def begin_code(checked: Checked, after: str | None = None) -> Response:
    """Redirects to the second step, for a user whose first step succeeded."""
    session["code_for"] = [checked.user.id, int(time.time()), checked.state]
    return make_response(redirect(url_for("sign_in.code", next=urls.local_path(after)), 303))


def confirm_password(scope: Scope, password: str | None) -> Scope:
    """Returns the scope with the time of confirmation, if the user's password is right.

    Raises Invalid (`your_password`) or TryLater.
    """
    signed_in: SignedIn = current_user
    sign_in.confirm_password(scope, signed_in.user, password or "", session_token=signed_in.token)
    return replace(scope, actor=replace(scope.actor, password_typed_at=clock.now()))


def confirm_if_old(scope: Scope, form: Form) -> Scope:
    """Returns the scope, after `confirm_password` if the last confirmation is too long ago.

    Raises PasswordNeeded if no password was typed.
    """
    if step_up.is_recent(scope.actor.password_typed_at):
        return scope
    if not form["your_password"].data:
        raise PasswordNeeded
    return confirm_password(scope, form["your_password"].data)


def needs_password() -> bool:
    """Whether a form requires the password again, because the last confirmation is too long ago."""
    typed_at = sessions.password_typed_at(context.anonymous_scope(), current_user.token)
    return not step_up.is_recent(typed_at)


def home_scope(scope: Scope) -> Scope:
    """Returns the scope of the signed-in user's own organization."""
    return scope.for_organization(directory.by_id(scope, str(scope.actor.organization_id)))
