"""Links with which a user chooses a password: invitations, and resets of a lost password.

See docs/decisions/0022-password-links.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from sqlalchemy import or_, select, update

from app.core import clock, hashing
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from app.models import LinkPurpose, PasswordLink, User
from app.services import rate_limits, validation
from app.services.access import (
    messages,
    passwords,
    sessions,
    sign_in,
    sign_in_limits,
    step_up,
    tokens,
    totp,
)
from app.services.access.sign_in import Checked
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import Scope

LIFE: Mapping[LinkPurpose, timedelta] = {
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.RESET: timedelta(hours=24),
}
LINK_PATH = "/choose-password"
"""The page that a link opens. The token follows the #: browsers do not send that part to a server."""
_CREATED = {LinkPurpose.INVITATION: Action.USER_INVITED, LinkPurpose.RESET: Action.RESET_LINK_CREATED}
_USED = {LinkPurpose.INVITATION: Action.INVITATION_ACCEPTED, LinkPurpose.RESET: Action.PASSWORD_RESET}


@dataclass(frozen=True)
class NewLink:
    """A link that was just created. `token` is the end of its URL; it is stored as a hash only."""

    purpose: LinkPurpose
    token: str = field(repr=False)
    expires_at: datetime


def of_user(scope: Scope, user: User) -> PasswordLink | None:
    """Returns the user's unused link: an invitation, even if expired, or an unexpired reset."""
    link = scope.session.get(PasswordLink, user.id)
    is_over = link is not None and link.purpose == LinkPurpose.RESET and is_expired(link)
    return None if is_over else link


def invitations(scope: Scope) -> dict[str, PasswordLink]:
    """Returns the organization's invitations that were not accepted, by user id."""
    query = (
        select(PasswordLink)
        .join(User, User.id == PasswordLink.user_id)
        .where(User.organization_id == scope.organization.id, PasswordLink.purpose == LinkPurpose.INVITATION)
    )
    return {link.user_id: link for link in scope.session.scalars(query)}


def is_expired(link: PasswordLink) -> bool:
    return link.expires_at <= clock.now()


class PasswordLinkDraft(BaseModel):
    model_config = validation.STRICT

    ends_two_step: bool = False


def create_for_api(scope: Scope, user: User, payload: Any) -> NewLink:
    """Creates a link as `create` does, from the body of a request."""
    return create(scope, user, ends_two_step=validation.read(PasswordLinkDraft, payload).ends_two_step)


def create(scope: Scope, user: User, *, ends_two_step: bool = False) -> NewLink:
    """Creates a link in place of the user's last one: an invitation until a password was chosen.

    Nothing else changes until it is used. Raises PasswordNeeded, Forbidden for the actor's own account, and
    Conflict for a disabled user.
    """
    if user.id == scope.actor.user_id:
        raise Forbidden(messages.NOT_YOUR_PASSWORD)
    step_up.expect_recent_password(scope)
    with scope.transaction():
        if user.disabled_at is not None:
            raise Conflict(messages.DISABLED_NEEDS_NO_LINK, code="USER_DISABLED")
        last = scope.session.get(PasswordLink, user.id)
        is_invited = last is not None and last.purpose == LinkPurpose.INVITATION
        purpose = LinkPurpose.INVITATION if is_invited else LinkPurpose.RESET
        return add(scope, user, purpose, ends_two_step=ends_two_step and totp.is_on(user))


def add(scope: Scope, user: User, purpose: LinkPurpose, *, ends_two_step: bool = False) -> NewLink:
    """Stores a new link in place of the user's last one, and audits it."""
    scope.require_transaction()
    token, expires_at = secrets.token_urlsafe(32), clock.now() + LIFE[purpose]
    remove(scope, user)
    scope.session.add(
        PasswordLink(
            user_id=user.id,
            token_hash=hashing.of_token(token),
            purpose=purpose.value,
            email=user.email,
            ends_two_step=ends_two_step,
            expires_at=expires_at,
            creator_id=scope.actor.user_id,
            creator_name=scope.actor.name,
        )
    )
    changes: dict[str, list[Any]] = {"expires": [None, clock.utc(expires_at)]}
    if ends_two_step:
        changes["ends_two_step"] = [None, True]
    log.record(scope, _CREATED[purpose], user.email, changes)
    return NewLink(purpose, token, expires_at)


def cancel(scope: Scope, user: User) -> None:
    """Expires the user's link, if it works.

    An expired invitation stays, so that the next link is one too.
    """
    with scope.transaction():
        link = of_user(scope, user)
        if link is not None and not is_expired(link):
            _expire(scope, PasswordLink.user_id == user.id)
            log.record(scope, Action.PASSWORD_LINK_CANCELLED, user.email)


def remove(scope: Scope, user: User) -> None:
    """Deletes the user's link: another one replaces it, or the password was set otherwise."""
    scope.require_transaction()
    link = scope.session.get(PasswordLink, user.id)
    if link is not None:
        scope.session.delete(link)
        scope.session.flush()


def end_all(scope: Scope, user: User) -> None:
    """Expires the user's link and those that the user created, who loses access or a role."""
    _expire(scope, or_(PasswordLink.user_id == user.id, PasswordLink.creator_id == user.id))


def _expire(scope: Scope, which: object) -> None:
    scope.require_transaction()
    now = clock.now()
    working = update(PasswordLink).where(which, PasswordLink.expires_at > now)  # type: ignore[arg-type]
    scope.session.execute(working.values(expires_at=now))


def find(scope: Scope, token: str) -> tuple[PasswordLink, User]:
    """Returns the working link of a token, and its user.

    Raises the same NotFound for a token that is unknown, used, replaced or expired. Raises TooMany.
    """
    limit = sign_in_limits.of_password_link(scope)
    rate_limits.consume(scope, limit)
    with scope.transaction(lock=False):
        link_and_user = _find_working(scope, token)
        rate_limits.clear(scope, limit)
    return link_and_user


def _find_working(scope: Scope, token: str) -> tuple[PasswordLink, User]:
    query = (
        select(PasswordLink, User)
        .join(User, User.id == PasswordLink.user_id)
        .where(
            PasswordLink.token_hash == hashing.of_token(token),
            PasswordLink.expires_at > clock.now(),
            PasswordLink.email == User.email,
            User.disabled_at.is_(None),
        )
    )
    row = scope.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(messages.LINK_INVALID)
    link, user = row
    return link, user


def use(scope: Scope, token: str, password: str) -> Checked:
    """Sets the user's password, and returns the user as if they had entered it. A link works once.

    Ends the user's sessions and tokens, which another person may have; also two-step sign-in, if the link
    was created to do so. Raises NotFound, Invalid (`new_password`), TooMany, Busy.
    """
    _, user = find(scope, token)
    try:
        passwords.check(password, *user.email.split("@"), user.name)
    except ValueError as error:
        raise Invalid([Problem("new_password", str(error))]) from None
    with passwords.slot(scope):
        password_hash = passwords.hash_password(password)
    inside = sign_in.scope_of(scope, user)
    with inside.transaction():
        link, user = _find_working(inside, token)
        _replace_password(inside, user, link, password_hash)
    return Checked(user, sign_in.state_of(user))


def _replace_password(inside: Scope, user: User, link: PasswordLink, password_hash: str) -> None:
    changes: dict[str, list[Any]] = {"link_by": [None, link.creator_name]}
    if link.ends_two_step and totp.is_on(user):
        changes["two_step"] = ["on", "off"]
        totp.remove(inside, user)
    user.password_hash = password_hash
    sessions.end_all(inside, user)
    tokens.revoke_all(inside, user)
    sign_in_limits.lift(inside, user)
    log.record(inside, _USED[LinkPurpose(link.purpose)], user.email, changes)
    inside.session.delete(link)
