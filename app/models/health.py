from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, OrganizationId


class Verdict(StrEnum):
    """The health of a number or a connection. Off: nothing is expected of it."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    OFF = "off"


class HealthTransition(Base):
    """One change of the verdict on a number, or on a connection if `phone_number` is empty.

    Ids rise with time within an organization. `since` is when the subject stopped being healthy, if it has.
    """

    __tablename__ = "health_transitions"
    __table_args__ = (
        Index("ix_health_transitions_organization_id", "organization_id", "id"),
        Index("ix_health_transitions_subject", "organization_id", "phone_number", "provider", "at", "id"),
        Index(
            "ix_health_transitions_connections",
            "organization_id",
            "provider",
            "id",
            sqlite_where=text("phone_number = ''"),
            postgresql_where=text("phone_number = ''"),
        ),
        Index("ix_health_transitions_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[OrganizationId]
    provider: Mapped[str] = mapped_column(String(32))
    phone_number: Mapped[str] = mapped_column(String(16), default="")
    was: Mapped[str] = mapped_column(String(16))
    now: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(40))
    since: Mapped[datetime | None]
    at: Mapped[Moment]
