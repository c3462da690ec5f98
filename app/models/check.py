from __future__ import annotations

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId


class Check(Base):
    """The last result of whether a provider accepts the stored credentials, with time and actor.

    `evidence` names the call that they were used for. A changed credential deletes the row.
    """

    __tablename__ = "checks"
    __table_args__ = (UniqueConstraint("organization_id", "provider"),)

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    provider: Mapped[str] = mapped_column(String(32))
    ok: Mapped[bool]
    code: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(1000))
    evidence: Mapped[str] = mapped_column(String(32), default="test")
    checked_at: Mapped[Moment] = mapped_column(default=clock.now)
    actor_name: Mapped[str] = mapped_column(String(254))
