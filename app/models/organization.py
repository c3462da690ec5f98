from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Id, Timed, Versioned, sorted_text


class Organization(Base, Timed, Versioned):
    """A tenant, and its choice of provider for each family.

    `reads_last_calls`: the schedule reads the last call to each number, once a day. `revision` rises with
    every change to a row of the organization.
    """

    __tablename__ = "organizations"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(sorted_text(120))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    country: Mapped[str | None] = mapped_column(String(2))
    public_base_url: Mapped[str | None] = mapped_column(String(300))
    active_voice: Mapped[str | None] = mapped_column(String(32))
    active_telephony: Mapped[str | None] = mapped_column(String(32))
    active_voice_ai: Mapped[str | None] = mapped_column(String(32))
    reads_last_calls: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(default=0)
