from __future__ import annotations

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, OrganizationId, Timed, Versioned


class Endpoint(Base, Timed, Versioned):
    """A phone number, its provider, and the agents that answer and dial.

    A number is claimed once across all organizations.
    """

    __tablename__ = "endpoints"
    __table_args__ = (
        Index("ix_endpoints_organization_number", "organization_id", "phone_number"),
        Index("ix_endpoints_organization_inbound", "organization_id", "inbound_agent_name"),
        Index(
            "ix_endpoints_organization_outbound",
            "organization_id",
            "outbound_agent_name",
            "provider",
            "is_active",
        ),
        Index(
            "ix_endpoints_organization_provider",
            "organization_id",
            "provider",
            "is_active",
            "inbound_agent_name",
        ),
    )

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    phone_number: Mapped[str] = mapped_column(String(16), unique=True)
    provider: Mapped[str] = mapped_column(String(32))
    inbound_agent_name: Mapped[str | None] = mapped_column(String(100))
    outbound_agent_name: Mapped[str | None] = mapped_column(String(100))
    label: Mapped[str | None] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
