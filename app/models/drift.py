from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, OrganizationId


class DriftCheck(Base):
    """The last result of comparing a number's webhook with its provider, and the verdict on the number.

    `in_sync` is None while that is unknown; `detail` is a sentence that names the difference. `place`: where
    the provider answers the number, as read at `placed_at`. `verdict` and its `cause` (None for healthy) also
    depend on the settings and the connection; `since` is when the number stopped being healthy.
    `in_sync_since`: when the number was first read with the `expected` URL, unless it was read with another
    one since. `due`: a check is pending, because something was changed here or a user requested it.
    """

    __tablename__ = "drift_checks"
    __table_args__ = (
        Index(
            "ix_drift_checks_organization_verdict",
            "organization_id",
            "verdict",
            "cause",
            "phone_number",
            "provider",
        ),
        Index("ix_drift_checks_organization_checked", "organization_id", "checked_at"),
        Index("ix_drift_checks_provider_verdict", "provider", "verdict"),
        Index(
            "ix_drift_checks_unhealthy",
            "organization_id",
            "provider",
            "cause",
            "since",
            sqlite_where=text("verdict = 'unhealthy'"),
            postgresql_where=text("verdict = 'unhealthy'"),
        ),
        Index(
            "ix_drift_checks_due",
            "organization_id",
            "provider",
            "phone_number",
            sqlite_where=text("due = 1"),
            postgresql_where=text("due"),
        ),
    )

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    phone_number: Mapped[str] = mapped_column(String(16), primary_key=True)
    due: Mapped[bool] = mapped_column(default=False)
    in_sync: Mapped[bool | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    expected: Mapped[str | None] = mapped_column(Text())
    actual: Mapped[str | None] = mapped_column(Text())
    in_sync_since: Mapped[datetime | None]
    detail: Mapped[str | None] = mapped_column(Text())
    place: Mapped[str | None] = mapped_column(String(32))
    placed_at: Mapped[datetime | None]
    verdict: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[str | None] = mapped_column(String(40))
    since: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]


class CheckRun(Base):
    """The last check of an organization's connection to one provider, and of its numbers there.

    `due`: a check of the connection and of all its numbers is pending. `next_at`: when the next one is
    scheduled. `calls_read_at`: when the schedule last read the calls to its numbers. While the lease lasts,
    no other run starts. A run without an end and without a lease was killed.
    """

    __tablename__ = "check_runs"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    due: Mapped[bool] = mapped_column(default=False)
    next_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None] = mapped_column(String(1000))
    calls_read_at: Mapped[datetime | None]
