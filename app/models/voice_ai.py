from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId


class Call(Base):
    """What the voice AI told of one call. Each conversation tells each kind of event once.

    `at` is when it began, as far as that was told, and else when it was told of.
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
    started_at: Mapped[datetime | None]
    received_at: Mapped[Moment] = mapped_column(default=clock.now)
    at: Mapped[Moment] = mapped_column(default=clock.now)


class WebhookReceipt(Base):
    """The signature of a webhook that was let in, so that the same one is not let in again."""

    __tablename__ = "webhook_receipts"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    received_at: Mapped[Moment] = mapped_column(default=clock.now, index=True)


class WebhookSetup(Base):
    """How far the workspace webhook at the voice AI's provider is set up.

    `foreign_id`: somebody else's webhook, in the place where ours should be. While the lease lasts,
    nobody else sets it up.
    """

    __tablename__ = "webhook_setups"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(String(1000))
    url: Mapped[str | None] = mapped_column(Text())
    foreign_id: Mapped[str | None] = mapped_column(String(100))
    leased_until: Mapped[datetime | None]
    updated_at: Mapped[Moment] = mapped_column(default=clock.now, onupdate=clock.now)
