from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId, Versioned


class EndpointImport(Base, Versioned):
    """A file of endpoints, and the plan of importing it, row by row: previewed first, then applied.

    `shown` is the part that its page shows; the whole plan and the file are read only to apply or to report.
    """

    __tablename__ = "endpoint_imports"

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId] = mapped_column(index=True)
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    applied_at: Mapped[datetime | None]
    actor_name: Mapped[str] = mapped_column(String(254))
    file_name: Mapped[str] = mapped_column(String(200))
    country: Mapped[str | None] = mapped_column(String(2))
    shown: Mapped[dict[str, Any]] = mapped_column(JSON)
    plan: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    source: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
