"""Users of an organization: inviting, changing, disabling and recovering them."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field
from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from app.core import clock, etag
from app.core.errors import Conflict, Forbidden, Invalid, Problem
from app.models import AuditEvent, LinkPurpose, Role, User, VoicePhoneNumber, WebSession
from app.services import keyset, validation
from app.services.access import (
    emails,
    messages,
    password_links,
    passwords,
    sessions,
    sign_in_limits,
    step_up,
    tokens,
    totp,
)
from app.services.access.password_links import NewLink
from app.services.access.sign_in import confirm_password, normal_email
from app.services.audit import actions, log, search
from app.services.audit.actions import Action, Trait
from app.services.fields import Name
from app.services.keyset import Mark, Order, Page
from app.services.scope import Scope, expect_version
from app.services.validation import Checked


def _check_email(value: str, _country: str | None) -> str:
    email = normal_email(value)
    problem = emails.problem_of(email)
    if problem:
        raise ValueError(problem)
    return email


PAGE = 100
PAGE_MOST = 1000
MANY = 10
"""With more users than this, the list has a search field."""
BY_NAME = Order(User.name, User.id)

RoleName = Annotated[str, validation.one_of(Role)]


class UserDraft(BaseModel):
    """A new user. Without a password they choose one, with an invitation link."""

    model_config = validation.STRICT

    email: Annotated[str, Checked(_check_email, {"format": "email", "maxLength": emails.LONGEST})]
    name: Name
    role: RoleName
    password: Annotated[
        validation.Unstripped | None, Field(repr=False, json_schema_extra=passwords.SCHEMA)
    ] = None


class UserEdit(BaseModel):
    model_config = validation.STRICT
    fixed: ClassVar[Mapping[str, str]] = validation.read_only(
        *("id", "email", "two_step_sign_in", "last_signed_in_at", "created_at", "version"),
        "voice_phone_numbers",
    )

    name: Name = ""
    role: RoleName = Role.MEMBER
    is_active: bool = True


def document(user: User) -> dict[str, Any]:
    """Returns a user as the API documents them."""
    signed_in = user.last_signed_in_at
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "is_active": user.disabled_at is None,
        "two_step_sign_in": totp.is_on(user),
        "last_signed_in_at": None if signed_in is None else clock.utc(signed_in),
        "created_at": clock.utc(user.created_at),
        "version": user.version,
    }


def every(scope: Scope) -> list[User]:
    return list(scope.session.scalars(scope.select(User).order_by(User.name, User.id)))


def page(scope: Scope, text: str = "", *, after: str | None = None, limit: int = PAGE) -> Page[User]:
    """Returns users by name, after the one with id `after`, with `text` in name or email.

    Raises BadCursor if that user is not found.
    """
    query = scope.select(User)
    if text:
        query = query.where(or_(*(scope.contains(column, text) for column in (User.name, User.email))))
    mark = None if after is None else _mark(scope, after)
    return keyset.page(scope.session, query, BY_NAME, mark, limit=limit, cursor=_id)


def _mark(scope: Scope, user_id: str) -> Mark:
    user = scope.session.scalar(scope.select(User).where(User.id == user_id))
    if user is None:
        raise keyset.BadCursor
    return Mark(user.name, user.id)


def _id(user: User, _is_before: bool) -> str:
    return user.id


def needs_search(scope: Scope) -> bool:
    """Whether there are enough users to need a search field."""
    some = scope.select(User).with_only_columns(User.id).limit(MANY + 1).subquery()
    return (scope.session.scalar(select(func.count()).select_from(some)) or 0) > MANY


def names(scope: Scope, user_ids: Collection[str]) -> dict[str, str]:
    """Returns the names of users of any organization, by id. For superadmins only."""
    query = select(User.id, User.name).where(User.id.in_(user_ids))
    return {row.id: row.name for row in scope.session.execute(query)} if user_ids else {}


def number_counts(scope: Scope) -> dict[str, int]:
    """Returns how many voice phone numbers each user has, by user id."""
    query = (
        select(VoicePhoneNumber.user_id, func.count())
        .where(VoicePhoneNumber.organization_id == scope.organization.id)
        .group_by(VoicePhoneNumber.user_id)
    )
    return dict(scope.session.execute(query).all())


def get(scope: Scope, user_id: str) -> User:
    return scope.get(User, user_id, what="user")


def create(scope: Scope, payload: Any) -> User:
    """Creates a user with the password that was sent. Without one, they need a link to sign in."""
    new = read_new(scope, payload)
    with one_user_per_email(scope, new.email), scope.transaction():
        return add(scope, new)


def invite(scope: Scope, payload: Any) -> tuple[User, NewLink]:
    """Creates a user without a password, and their invitation."""
    new = read_new(scope, payload)
    with one_user_per_email(scope, new.email), scope.transaction():
        user = add(scope, new)
        return user, password_links.add(scope, user, LinkPurpose.INVITATION)


@dataclass(frozen=True)
class NewUser:
    """A validated user.

    The password is hashed before the transaction, so that writers do not wait for it.
    """

    email: str
    name: str
    role: str
    password_hash: str = field(repr=False)


def read_new(scope: Scope, payload: Any) -> NewUser:
    """Returns the new user; without a password, its hash is one that no password matches.

    Raises Invalid with every wrong field, the password included; PasswordNeeded, Busy.
    """
    problems: list[Problem] = []
    draft = None
    try:
        draft = validation.read(UserDraft, payload)
    except Invalid as error:
        problems = error.problems
    password = payload.get("password") if isinstance(payload, dict) else None
    if isinstance(password, str):
        try:
            passwords.check(password, *str(payload.get("email", "")).split("@"), str(payload.get("name", "")))
        except ValueError as error:
            problems.append(Problem("password", str(error)))
    if problems or draft is None:
        raise Invalid(problems)
    step_up.expect_recent_password(scope)
    with passwords.slot(scope):
        password_hash = passwords.hash_password(draft.password or secrets.token_urlsafe())
    return NewUser(draft.email, draft.name, draft.role, password_hash)


@contextmanager
def one_user_per_email(scope: Scope, email: str) -> Iterator[None]:
    """Wraps the transaction that adds a user. Raises Conflict if the email is in use."""
    try:
        yield
    except IntegrityError:
        raise Conflict(
            messages.email_in_use(email), code="EMAIL_IN_USE", existing_id=_own_id(scope, email)
        ) from None


def _own_id(scope: Scope, email: str) -> str | None:
    """Returns the id of the user with the email, if they are in the scope's organization."""
    user = by_email(scope, email)
    here = scope.organization_or_none
    return user.id if user and here and user.organization_id == here.id else None


def by_email(scope: Scope, email: str) -> User | None:
    return scope.session.scalar(select(User).where(User.email == normal_email(email)))


def add(scope: Scope, new: NewUser) -> User:
    scope.require_transaction()
    user = User(
        organization_id=scope.organization.id,
        email=new.email,
        name=new.name,
        role=new.role,
        password_hash=new.password_hash,
    )
    scope.session.add(user)
    scope.session.flush()
    changes = {"name": [None, user.name], "role": [None, user.role]}
    log.record(scope, Action.USER_CREATED, user.email, changes)
    return user


def reset(scope: Scope, user: User, password: str) -> None:
    """Sets a new password, turns two-step sign-in off, and ends every session and token.

    The command line uses it to recover an account. The portal creates a link instead.
    """
    step_up.expect_recent_password(scope)
    try:
        passwords.check(password, *user.email.split("@"), user.name)
    except ValueError as error:
        raise Invalid([Problem("password", str(error))]) from None
    with passwords.slot(scope):
        password_hash = passwords.hash_password(password)
    with scope.transaction():
        ends_two_step = totp.is_on(user)
        user.password_hash = password_hash
        totp.remove(scope, user)
        password_links.remove(scope, user)
        sessions.end_all(scope, user)
        tokens.revoke_all(scope, user)
        sign_in_limits.lift(scope, user)
        log.record(
            scope, Action.USER_RESET, user.email, {"two_step": ["on", "off"]} if ends_two_step else None
        )


def password_set_by_other(scope: Scope, user: User) -> AuditEvent | None:
    """Returns the event by which another user set this user's last password, or None.

    It searches the scope's organization, which must be the user's. Events of the command line do not count.
    """
    events = search.about(scope, user.email, actions=actions.with_trait(Trait.SETS_PASSWORD), limit=1)
    return events[0] if events and events[0].actor_id not in (None, user.id) else None


def end_session(scope: Scope, user: User, session_id: str) -> WebSession:
    """Signs the user out of one browser.

    Raises NotFound if the session is not theirs, Forbidden for the actor.
    """
    if user.id == scope.actor.user_id:
        raise Forbidden(messages.NOT_YOUR_SESSIONS)
    return sessions.end_one(scope, user, session_id)


def end_sessions(scope: Scope, user_id: str) -> User:
    """Signs the user out of all browsers and API sign-ins; tokens issued to them keep working."""
    user = get(scope, user_id)
    if user.id == scope.actor.user_id:
        raise Forbidden(messages.NOT_YOUR_SESSIONS)
    sessions.end_others(scope, user)
    return user


def update_user(scope: Scope, user_id: str, payload: Any, *, version: int | etag.Condition = None) -> User:
    """Updates a user's name, role and whether they are active.

    Raises Stale, Invalid, Conflict, Forbidden. Another role ends the user's tokens and links: another
    person may have one, and would gain the role.
    """
    draft, fixed = validation.read_edit(UserEdit, payload)
    changes = draft.model_dump(exclude_unset=True)
    with scope.transaction():
        user = get(scope, user_id)
        expect_version(user, version)
        validation.expect_unchanged(UserEdit, fixed, document(user))
        is_active = changes.pop("is_active", user.disabled_at is None)
        if changes.get("role", user.role) != user.role:
            step_up.expect_recent_password(scope)
            if user.role == Role.SUPERADMIN:
                _expect_another_superadmin(scope, user)
            tokens.revoke_all(scope, user)
            password_links.end_all(scope, user)
        recorded = log.diff({name: getattr(user, name) for name in changes}, changes)
        for name, value in changes.items():
            setattr(user, name, value)
        if recorded:
            log.record(scope, Action.USER_SAVED, user.email, recorded)
        _set_disabled(scope, user, not is_active)
    return user


def set_disabled(
    scope: Scope, user_id: str, disabled: bool, *, reason: str | None = None, version: int | None = None
) -> User:
    with scope.transaction():
        user = get(scope, user_id)
        expect_version(user, version)
        _set_disabled(scope, user, disabled, reason=reason)
    return user


def _set_disabled(scope: Scope, user: User, disabled: bool, *, reason: str | None = None) -> None:
    """Disables or enables a user. Disabling ends their sessions and tokens, and all links to or by them."""
    if disabled == (user.disabled_at is not None):
        return
    if not disabled:
        step_up.expect_recent_password(scope)
    else:
        if user.id == scope.actor.user_id:
            raise Forbidden(messages.NOT_YOURSELF)
        if user.role == Role.SUPERADMIN:
            _expect_another_superadmin(scope, user)
        sessions.end_all(scope, user)
        tokens.revoke_all(scope, user)
        password_links.end_all(scope, user)
    user.disabled_at = clock.now() if disabled else None
    changes = log.reasoned(reason)
    log.record(scope, Action.USER_DISABLED if disabled else Action.USER_ENABLED, user.email, changes)


def _expect_another_superadmin(scope: Scope, user: User) -> None:
    """Raises Conflict if the user is the only active superadmin.

    Locks all superadmins, so that two requests cannot remove the last two.
    """
    everyone = select(User.id).where(User.role == Role.SUPERADMIN, User.disabled_at.is_(None))
    superadmin_ids = scope.session.scalars(everyone.order_by(User.id).with_for_update()).all()
    if user.disabled_at is None and len(superadmin_ids) <= 1:
        raise Conflict(messages.last_superadmin(user.name), code="LAST_SUPERADMIN")


def change_password(scope: Scope, user: User, current: str, new: str, *, session_token: str | None) -> None:
    """Sets a new password, given the current one, and ends the user's other sessions."""
    confirm_password(scope, user, current, session_token=session_token, field="current_password")
    try:
        passwords.check(new, *user.email.split("@"), user.name)
    except ValueError as error:
        raise Invalid([Problem("new_password", str(error))]) from None
    with passwords.slot(scope):
        fresh = passwords.hash_password(new)
    with scope.transaction():
        user.password_hash = fresh
        password_links.remove(scope, user)
        sessions.end_all(scope, user, but=session_token)
        tokens.revoke_all(scope, user, sign_ins_only=True)
        log.record(scope, Action.PASSWORD_CHANGED, user.email)
