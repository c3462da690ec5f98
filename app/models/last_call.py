from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, OrganizationId


class LastCall(Base):
    """The last incoming call to a number, as its provider listed it at `checked_at`.

    `since`: how far back its calls were read; None for as far as the provider stores them. `error_*`: the
    error that the provider reports about the call; `unread`: why that could not be read. `problem`: why the
    calls could not be read, at `tried_at`. Neither the caller nor the conversation is stored.
    """

    __tablename__ = "last_calls"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
    phone_number: Mapped[str] = mapped_column(String(16), primary_key=True)
    checked_at: Mapped[datetime | None]
    since: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    cause: Mapped[str | None] = mapped_column(String(60))
    error_code: Mapped[str | None] = mapped_column(String(10))
    error_url: Mapped[str | None] = mapped_column(Text())
    error_at: Mapped[datetime | None]
    unread: Mapped[str | None] = mapped_column(String(1000))
    problem: Mapped[str | None] = mapped_column(String(1000))
    tried_at: Mapped[datetime | None]
