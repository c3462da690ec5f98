from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, Timed, Versioned, new_id

OwnerId = Annotated[
    str | None,
    mapped_column(String(36), ForeignKey("organizations.id", ondelete="CASCADE"), nullable=True),
]
"""The organization that a row belongs to; None for the installation."""


class Destination(Base, Timed, Versioned):
    """A recipient of messages: its kind, its values, and the events that it receives.

    `sealed` are its secret values as one sealed object, and `hints` the parts of them that may be shown.
    `previous_until`: messages are also signed with the previous secret until then. `failing_since`: the time
    of the first failure without a success since. `disabled_reason` is set if Patchbay disabled it.
    """

    __tablename__ = "destinations"
    __table_args__ = (Index("ix_destinations_organization", "organization_id", "created_at", "id"),)

    id: Mapped[Id]
    organization_id: Mapped[OwnerId]
    kind: Mapped[str] = mapped_column(String(32))
    label: Mapped[str] = mapped_column(String(200), default="")
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    sealed: Mapped[str | None] = mapped_column(Text())
    key_fingerprint: Mapped[str | None] = mapped_column(String(16), index=True)
    hints: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    previous_until: Mapped[datetime | None]
    events: Mapped[list[str]] = mapped_column(JSON, default=list)
    digest_hour: Mapped[int | None]
    digested_at: Mapped[datetime | None]
    muted_until: Mapped[datetime | None]
    enabled: Mapped[bool] = mapped_column(default=True)
    failing_since: Mapped[datetime | None]
    disabled_reason: Mapped[str | None] = mapped_column(String(1000))


class Notification(Base):
    """One event, or several of the same kind: what happened, to what, and whether it still continues.

    `id` rises with time within a lane: notifications of one lane are delivered in that order. `uid` is the id
    that receivers read, the same in every attempt. `key` names the subject of a problem: one at a time is
    open. `subjects` are the numbers, unless there are too many; `count` is the number of all. They stopped
    being healthy between `since` and `until`.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_organization", "organization_id", "id"),
        Index(
            "ix_notifications_open",
            "organization_id",
            "key",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        Index("ix_notifications_at", "at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, default=new_id)
    organization_id: Mapped[OwnerId]
    event: Mapped[str] = mapped_column(String(40))
    lane: Mapped[str] = mapped_column(String(80))
    key: Mapped[str | None] = mapped_column(String(160))
    provider: Mapped[str | None] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(String(254), default="")
    subjects: Mapped[list[str]] = mapped_column(JSON, default=list)
    count: Mapped[int] = mapped_column(default=1)
    reason: Mapped[str | None] = mapped_column(String(40))
    detail: Mapped[str | None] = mapped_column(String(1000))
    since: Mapped[datetime | None]
    until: Mapped[datetime | None]
    at: Mapped[Moment] = mapped_column(default=clock.now)
    closed_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(String(254))


class Delivery(Base):
    """One notification for one destination, until it is delivered or has failed for good.

    While the lease lasts, no other process sends it. `was_held`: it waited for a quiet period to end.
    `carrier_id` is the delivery of the digest that contains it.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_destination", "destination_id", "created_at", "id"),
        Index("ix_deliveries_notification", "notification_id"),
        Index(
            "ix_deliveries_lane",
            "destination_id",
            "lane",
            "notification_id",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_deliveries_due",
            "due_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[Id]
    notification_id: Mapped[int] = mapped_column(ForeignKey("notifications.id", ondelete="CASCADE"))
    destination_id: Mapped[str] = mapped_column(String(36), ForeignKey("destinations.id", ondelete="CASCADE"))
    lane: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(16))
    is_manual: Mapped[bool] = mapped_column(default=False)
    was_held: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[Moment]
    attempts: Mapped[int] = mapped_column(default=0)
    tried_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    carrier_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("deliveries.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[Moment] = mapped_column(default=clock.now)


class DeliveryAttempt(Base):
    """One attempt: when, how long it took, the status of the response, and why it failed."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index("ix_delivery_attempts_delivery", "delivery_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str] = mapped_column(String(36), ForeignKey("deliveries.id", ondelete="CASCADE"))
    at: Mapped[Moment] = mapped_column(default=clock.now)
    milliseconds: Mapped[int]
    ok: Mapped[bool]
    status: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(1000))


class QuietPeriod(Base):
    """A planned change of one organization, or of all: messages wait until it ends."""

    __tablename__ = "quiet_periods"
    __table_args__ = (Index("ix_quiet_periods_organization", "organization_id", "ends_at"),)

    id: Mapped[Id]
    organization_id: Mapped[OwnerId]
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    reason: Mapped[str] = mapped_column(String(200), default="")
    actor_name: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[Moment] = mapped_column(default=clock.now)


class NotificationSettings(Base, Versioned):
    """The notification settings of an organization or the installation, and how far its history was read.

    `owner` is an organization's id, or "installation". `transition_id` is the last transition that was read.
    """

    __tablename__ = "notification_settings"

    owner: Mapped[str] = mapped_column(String(36), primary_key=True)
    transition_id: Mapped[int] = mapped_column(BigInteger(), default=0)
    most_secret_days: Mapped[int | None]
    most_backup_days: Mapped[int | None]


class NotificationOutbox(Base):
    """An audit event without its notifications yet, written in the transaction of the event."""

    __tablename__ = "notification_outbox"

    audit_event_id: Mapped[int] = mapped_column(
        ForeignKey("audit_events.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
