from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, UserId


class ApiToken(Base):
    """An issued JWT, kept by its `jti` so that it can be listed and revoked; never the JWT itself.

    One that came from a sign-in is a session by another name, and ends where sessions end.
    """

    __tablename__ = "api_tokens"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    name: Mapped[str] = mapped_column(String(120))
    scopes: Mapped[str] = mapped_column(String(200), default="")
    is_sign_in: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    expires_at: Mapped[Moment]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """Lets its user in once in place of a code of their authenticator app. Only its hash is kept."""

    __tablename__ = "recovery_codes"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class LinkPurpose(StrEnum):
    INVITATION = "invitation"
    """Its user has never chosen a password."""
    RESET = "reset"


class PasswordLink(Base):
    """Lets its user choose a password once. A user has one at most; only the hash of its token is stored.

    It is bound to the email that the user had, and ends with the access of the superadmin who created it.
    """

    __tablename__ = "password_links"

    user_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(16))
    email: Mapped[str] = mapped_column(String(254))
    ends_two_step: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    expires_at: Mapped[Moment]
    creator_id: Mapped[str | None] = mapped_column(String(36), index=True)
    creator_name: Mapped[str] = mapped_column(String(254))


class WebSession(Base):
    """A signed-in browser. The cookie names it by a random token, of which this row has the hash.

    `confirmed_at` is when the password was last typed in it.
    """

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[UserId]
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    last_seen_at: Mapped[Moment] = mapped_column(default=clock.now)
    confirmed_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    ip: Mapped[str] = mapped_column(String(45), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")


class Throttle(Base):
    """How often something was tried since `window_started_at`."""

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    window_started_at: Mapped[Moment]
