from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId, Timed, Versioned


class Connection(Base, Timed, Versioned):
    """One organization's stored values for one provider; its secrets are `Secret` rows.

    `callback_url` is the last URL that Patchbay set as the callback of the provider's application.
    """

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("organization_id", "provider"),)

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    provider: Mapped[str] = mapped_column(String(32))
    enabled: Mapped[bool] = mapped_column(default=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    callback_url: Mapped[str | None] = mapped_column(String(1000))


class Secret(Base, Timed, Versioned):
    """A sealed value, the fingerprint of its key, and `hint`, the only part that pages show."""

    __tablename__ = "secrets"
    __table_args__ = (UniqueConstraint("organization_id", "provider", "field"),)

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId]
    provider: Mapped[str] = mapped_column(String(32))
    field: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[str] = mapped_column(String(4000))
    key_fingerprint: Mapped[str] = mapped_column(String(16), index=True)
    hint: Mapped[str] = mapped_column(String(4), default="")


class ProviderSwitch(Base):
    """One change of a family's active provider: from which, to which, by whom, when and why."""

    __tablename__ = "provider_switches"

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(index=True)
    family: Mapped[str] = mapped_column(String(16))
    was: Mapped[str | None] = mapped_column(String(32))
    now: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(300))
    actor_name: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
