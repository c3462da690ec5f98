from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Installation(Base):
    """One row: a sealed word that only the right key opens, and the hash of the setup link's token."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_check: Mapped[str] = mapped_column(String(600))
    setup_token_hash: Mapped[str | None] = mapped_column(String(64))
