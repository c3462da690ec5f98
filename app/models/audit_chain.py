from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class AuditChain(Base):
    """Where a chain of audit events begins and ends: a record that only the chain's key can make.

    `chain` is an organization's id, or "none". `earlier` events are from before there was a chain, and
    `earlier_digest` covers them; `count` events follow, and `head` is the digest of the last. `seal` covers
    all of these.
    """

    __tablename__ = "audit_chains"

    chain: Mapped[str] = mapped_column(String(36), primary_key=True)
    earlier: Mapped[int] = mapped_column(default=0)
    earlier_digest: Mapped[str] = mapped_column(String(64), default="")
    count: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(String(64), default="")
    seal: Mapped[str] = mapped_column(String(64))
