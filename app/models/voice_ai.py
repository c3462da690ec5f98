from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId


class Call(Base):
    """One report of a call. Each conversation has at most one of each kind.

    `at` is when the call began, or when the report was received if that is not known.
    """

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("organization_id", "conversation_id", "kind"),
        Index("ix_calls_organization_at", "organization_id", "at", "id"),
    )

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    conversation_id: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(40))
    agent_id: Mapped[str] = mapped_column(String(100))
    agent_name: Mapped[str | None] = mapped_column(String(200))
    from_number: Mapped[str | None] = mapped_column(String(64))
    to_number: Mapped[str | None] = mapped_column(String(64))
    duration_seconds: Mapped[int | None]
    outcome: Mapped[str | None] = mapped_column(String(100))
    direction: Mapped[str | None] = mapped_column(String(8))
    started_at: Mapped[datetime | None]
    received_at: Mapped[Moment] = mapped_column(default=clock.now)
    at: Mapped[Moment] = mapped_column(default=clock.now)


class WebhookReceipt(Base):
    """A webhook message that was accepted; it is rejected if it is sent again."""

    __tablename__ = "webhook_receipts"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[Moment] = mapped_column(default=clock.now, index=True)


class WebhookSetup(Base):
    """The state of the workspace webhook at one voice AI provider.

    `foreign_id`: another webhook, which receives the call reports instead. `has_retries`: the provider
    sends a failed report again. `failed_at` and `failure_status`: the last delivery that failed, and its HTTP
    status. `disabled_at`: when a check found that the provider had disabled the webhook itself.
    `checked_at`: when the provider's state was last read. While the lease lasts, no other worker sets it up.
    """

    __tablename__ = "webhook_setups"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(1000))
    url: Mapped[str | None] = mapped_column(Text())
    foreign_id: Mapped[str | None] = mapped_column(String(100))
    has_retries: Mapped[bool] = mapped_column(default=False)
    failed_at: Mapped[datetime | None]
    failure_status: Mapped[int | None]
    disabled_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    updated_at: Mapped[Moment] = mapped_column(default=clock.now, onupdate=clock.now)
