from __future__ import annotations

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.models.base import Base, Moment


class AuditChain(Base):
    """The beginning and end of a chain of audit events, which only the holder of the chain's key can write.

    `chain` is an organization's id, or "none". `earlier` is the number of events from before the chain, which
    `earlier_digest` covers; `count` events follow, and `head` is the digest of the last. `seal` covers all of
    these.
    """

    __tablename__ = "audit_chains"

    chain: Mapped[str] = mapped_column(String(36), primary_key=True)
    earlier: Mapped[int] = mapped_column(default=0)
    earlier_digest: Mapped[str] = mapped_column(String(64), default="")
    count: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(String(64), default="")
    seal: Mapped[str] = mapped_column(String(64))


class AuditEvent(Base):
    """A change: actor, action, time, IP address, and the values before and after; never a secret.

    `digest` covers the event and the digest of the organization's previous event; None for events from before
    the chain. `numbers_digest` covers `numbers`, for an event about many phone numbers.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_organization", "organization_id", "id"),
        Index("ix_audit_events_subject", "organization_id", "subject", "id"),
        Index("ix_audit_events_action", "organization_id", "action", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("organizations.id", ondelete="SET NULL")
    )
    at: Mapped[Moment] = mapped_column(default=clock.now)
    actor_id: Mapped[str | None] = mapped_column(String(36))
    actor_name: Mapped[str] = mapped_column(String(254))
    ip: Mapped[str] = mapped_column(String(45), default="")
    request_id: Mapped[str] = mapped_column(String(36), default="")
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(254))
    changes: Mapped[dict[str, list[object]]] = mapped_column(JSON, default=dict)
    digest: Mapped[str | None] = mapped_column(String(64))
    numbers_digest: Mapped[str | None] = mapped_column(String(64))
    numbers: Mapped[list[AuditNumbers]] = relationship(lazy="raise", passive_deletes=True)


class AuditNumbers(Base):
    """Some of the phone numbers that one event changed, and the changes of each, packed.

    `first` and `last` are the lowest and the highest of them, without their plus.
    """

    __tablename__ = "audit_numbers"
    __table_args__ = (Index("ix_audit_numbers_organization", "organization_id", "first", "last", "event_id"),)

    event_id: Mapped[int] = mapped_column(
        ForeignKey("audit_events.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    first: Mapped[int] = mapped_column(BigInteger(), primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger())
    organization_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("organizations.id", ondelete="SET NULL")
    )
    packed: Mapped[bytes] = mapped_column(LargeBinary())
