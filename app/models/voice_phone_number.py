from __future__ import annotations

from sqlalchemy import Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, OrganizationId, Timed, UserId, Versioned


class VoicePhoneNumber(Base, Timed, Versioned):
    """A number that is assigned to a user; each user has one default number per provider."""

    __tablename__ = "voice_phone_numbers"
    __table_args__ = (
        UniqueConstraint("user_id", "provider", "phone_number"),
        Index(
            "ix_voice_phone_numbers_default",
            "user_id",
            "provider",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
        Index("ix_voice_phone_numbers_organization_provider", "organization_id", "provider"),
    )

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    user_id: Mapped[UserId]
    provider: Mapped[str] = mapped_column(String(32))
    phone_number: Mapped[str] = mapped_column(String(16), index=True)
    label: Mapped[str | None] = mapped_column(String(200))
    is_default: Mapped[bool] = mapped_column(default=False)
    is_inbound_enabled: Mapped[bool] = mapped_column(default=True)
    ai_enabled: Mapped[bool] = mapped_column(default=False)
    ai_provider: Mapped[str | None] = mapped_column(String(32))
    """The voice AI provider whose agent answers, while `ai_enabled`."""
    ai_agent_id: Mapped[str | None] = mapped_column(String(100))
    ai_phone_number_id: Mapped[str | None] = mapped_column(String(100))
    """The id of the number at that provider."""
