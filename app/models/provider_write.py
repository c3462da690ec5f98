from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId


class ProviderWrite(Base):
    """A change at a provider that has begun, and whose outcome is not recorded yet.

    `action` is the audit action of the finished change, and `subject` its subject.
    """

    __tablename__ = "provider_writes"
    __table_args__ = (Index("ix_provider_writes_organization_provider", "organization_id", "provider"),)

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    provider: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(254))
    started_at: Mapped[Moment] = mapped_column(default=clock.now)
