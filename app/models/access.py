from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, UserId


class ApiToken(Base):
    """An issued JWT, stored by its `jti` so that it can be listed and revoked; never the JWT itself.

    `is_sign_in`: it was issued at a sign-in, counts as a session, and ends when sessions end.
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
    """A code that replaces a code of the user's authenticator app once. Only its hash is stored."""

    __tablename__ = "recovery_codes"

    id: Mapped[Id]
    user_id: Mapped[UserId]
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class LinkPurpose(StrEnum):
    INVITATION = "invitation"
    """The user has never chosen a password."""
    RESET = "reset"


class PasswordLink(Base):
    """A link with which its user chooses a password once. A user has at most one; its token's hash is stored.

    It is valid while the user's email is `email`, and while the superadmin who created it has access.
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
    """A signed-in browser. Its cookie contains a random token, of which this row has the hash.

    `confirmed_at` is when the user last entered the password in it.
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
    """The number of attempts of one kind since `window_started_at`."""

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    window_started_at: Mapped[Moment]
