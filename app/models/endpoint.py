from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Index, String, and_, func
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, OrganizationId, Timed, Versioned, sorted_text


class Endpoint(Base, Timed, Versioned):
    """A phone number, its provider, and the agents that answer and dial.

    A number exists once across all organizations. The index by number contains all columns that are searched
    and counted.
    """

    __tablename__ = "endpoints"
    __table_args__ = (
        Index(
            "ix_endpoints_organization_number",
            "organization_id",
            "phone_number",
            "provider",
            "is_active",
            "label",
            "inbound_agent_name",
            "outbound_agent_name",
        ),
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
    inbound_agent_name: Mapped[str | None] = mapped_column(sorted_text(100))
    outbound_agent_name: Mapped[str | None] = mapped_column(sorted_text(100))
    label: Mapped[str | None] = mapped_column(sorted_text(200))
    is_active: Mapped[bool] = mapped_column(default=True)

    @hybrid_property
    def takes_calls(self) -> bool:
        """Whether it is active and has an inbound agent."""
        return self.is_active and self.inbound_agent_name is not None

    @takes_calls.inplace.expression
    @classmethod
    def _takes_calls_in_sql(cls) -> ColumnElement[bool]:
        return and_(cls.is_active, cls.inbound_agent_name.is_not(None))


def _sort_index(name: str, key: Any) -> Index:
    """Returns an index for sorting the table of endpoints."""
    return Index(f"ix_endpoints_by_{name}", Endpoint.organization_id, key, Endpoint.phone_number)


_sort_index("active", Endpoint.is_active)
_sort_index("agent", func.lower(Endpoint.inbound_agent_name))
_sort_index("created", Endpoint.created_at)
_sort_index("label", func.lower(Endpoint.label))
_sort_index("provider", Endpoint.provider)
