"""Browser sessions, stored in the database, so that signing out invalidates the cookie."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from app.core import clock, hashing, user_agents
from app.core.errors import NotFound
from app.models import User, WebSession
from app.services.access import messages, tokens
from app.services.audit import log
from app.services.audit.actions import Action
from app.services.scope import Scope

IDLE = timedelta(hours=8)
"""A session ends when it was not used for this long."""

ABSOLUTE = timedelta(days=7)
"""A session ends this long after the sign-in, however much it is used."""

SEEN_EVERY = timedelta(minutes=5)
"""How old the stored time of the last use may be before it is updated."""


def start(scope: Scope, user: User, *, user_agent: str) -> str:
    """Stores a new session, and returns its token for the cookie. Only the token's hash is stored."""
    scope.require_transaction()
    token = secrets.token_urlsafe(32)
    scope.session.add(
        WebSession(
            id=hashing.of_token(token), user_id=user.id, ip=scope.actor.ip, user_agent=user_agent[:300]
        )
    )
    return token


def user_of(scope: Scope, token: str, *, is_use: bool = True) -> User | None:
    """Returns the user of a session's token; None if the session ended or the user is disabled.

    With `is_use`, the session counts as used now, which delays its expiry.
    """
    now = clock.now()
    query = (
        select(WebSession, User)
        .join(User, User.id == WebSession.user_id)
        .where(
            WebSession.id == hashing.of_token(token),
            WebSession.last_seen_at > now - IDLE,
            WebSession.created_at > now - ABSOLUTE,
            User.disabled_at.is_(None),
        )
    )
    row = scope.session.execute(query).one_or_none()
    if row is None:
        return None
    session, user = row
    if is_use and session.last_seen_at < now - SEEN_EVERY:
        _record_use(scope, session.id)
    return user


def _record_use(scope: Scope, session_id: str) -> None:
    """Stores the time of use. Skipped if the database is locked or read-only, so that reads continue."""
    with suppress(OperationalError), scope.transaction(waits=False):
        scope.session.execute(
            update(WebSession).where(WebSession.id == session_id).values(last_seen_at=clock.now())
        )


def password_typed_at(scope: Scope, token: str) -> datetime | None:
    """Returns when the password was last typed in the session."""
    query = select(WebSession.confirmed_at).where(WebSession.id == hashing.of_token(token))
    return scope.session.scalar(query)


def confirm(scope: Scope, token: str) -> None:
    """Records that the password was typed in the session now."""
    scope.require_transaction()
    scope.session.execute(
        update(WebSession).where(WebSession.id == hashing.of_token(token)).values(confirmed_at=clock.now())
    )


def sweep(scope: Scope) -> None:
    """Deletes expired sessions."""
    scope.require_transaction()
    now = clock.now()
    over = (WebSession.created_at < now - ABSOLUTE) | (WebSession.last_seen_at < now - IDLE)
    scope.session.execute(delete(WebSession).where(over))


def of_user(scope: Scope, user: User) -> list[WebSession]:
    """Returns the user's sessions that still work, last used first."""
    now = clock.now()
    query = select(WebSession).where(
        WebSession.user_id == user.id,
        WebSession.last_seen_at > now - IDLE,
        WebSession.created_at > now - ABSOLUTE,
    )
    return list(scope.session.scalars(query.order_by(WebSession.last_seen_at.desc(), WebSession.id)))


def is_of(session: WebSession, token: str) -> bool:
    return session.id == hashing.of_token(token)


def end_one(scope: Scope, user: User, session_id: str) -> WebSession:
    """Ends a session. Raises NotFound if it is not the user's or has ended."""
    with scope.transaction():
        row = scope.session.get(WebSession, session_id)
        if row is None or row.user_id != user.id:
            raise NotFound(messages.SESSION_NOT_FOUND)
        scope.session.delete(row)
        changes = {"browser": [user_agents.words(row.user_agent), None], "address": [row.ip, None]}
        log.record(scope, Action.SESSION_ENDED, user.email, changes)
    return row


def end_others(scope: Scope, user: User, *, but: str | None = None) -> None:
    """Ends the user's sessions, except that of the token `but`, and their API sign-ins. Audited."""
    with scope.transaction():
        end_all(scope, user, but=but)
        tokens.revoke_all(scope, user, sign_ins_only=True)
        log.record(scope, Action.SESSIONS_ENDED, user.email)


def end(scope: Scope, token: str) -> None:
    scope.require_transaction()
    scope.session.execute(delete(WebSession).where(WebSession.id == hashing.of_token(token)))


def end_all(scope: Scope, user: User, *, but: str | None = None) -> None:
    """Ends the user's sessions, except the one of the token `but`."""
    scope.require_transaction()
    query = delete(WebSession).where(WebSession.user_id == user.id)
    if but is not None:
        query = query.where(WebSession.id != hashing.of_token(but))
    scope.session.execute(query)
