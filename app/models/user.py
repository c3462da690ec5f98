from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, OrganizationId, Timed, Versioned, sorted_text


class Role(StrEnum):
    SUPERADMIN = "superadmin"
    MEMBER = "member"


class User(Base, Timed, Versioned):
    """A person. `email` is in lower case; a disabled user has no session and no token."""

    __tablename__ = "users"

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId] = mapped_column(index=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(sorted_text(120))
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(200))
    disabled_at: Mapped[datetime | None]
    totp_sealed: Mapped[str | None] = mapped_column(String(600))
    totp_confirmed_at: Mapped[datetime | None]
    last_signed_in_at: Mapped[datetime | None]
