from __future__ import annotations

from datetime import date, datetime
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

    Ids rise with time within an organization. `since` is when the number or connection stopped being healthy,
    if it did; `ended_since` is the `since` of the state that this change ended.
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
        Index(
            "ix_health_transitions_ends",
            "organization_id",
            "at",
            "phone_number",
            "provider",
            "ended_since",
            "now",
            sqlite_where=text("ended_since IS NOT NULL"),
            postgresql_where=text("ended_since IS NOT NULL"),
        ),
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
    ended_since: Mapped[datetime | None]
    at: Mapped[Moment]


class CheckDay(Base):
    """The results of one day's checks (in UTC) of a number, or of a connection if `phone_number` is empty.

    Without a row, nothing was proven on a day.
    """

    __tablename__ = "check_days"
    __table_args__ = (Index("ix_check_days_day", "day", "organization_id", "phone_number"),)

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    phone_number: Mapped[str] = mapped_column(String(16), primary_key=True, default="")
    day: Mapped[date] = mapped_column(primary_key=True)
    healthy: Mapped[int] = mapped_column(default=0)
    unhealthy: Mapped[int] = mapped_column(default=0)
    unknown: Mapped[int] = mapped_column(default=0)
