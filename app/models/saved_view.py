from __future__ import annotations

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId, UserId


class SavedView(Base):
    """A user's saved filter and sort order of the table of endpoints. `query` is the URL's query string."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("organization_id", "user_id", "name"),)

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    user_id: Mapped[UserId]
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
