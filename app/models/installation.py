from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class Installation(Base):
    """The only row: a sealed value that only the right Fernet key opens, and the hash of the setup token.

    `token_key_check` and `session_key_check` are keyed checks of the newest keys for tokens and session
    cookies, of the machine that started last.
    """

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_check: Mapped[str] = mapped_column(String(600))
    setup_token_hash: Mapped[str | None] = mapped_column(String(64))
    token_key_check: Mapped[str | None] = mapped_column(String(64))
    session_key_check: Mapped[str | None] = mapped_column(String(64))
    superadmins_need_two_step: Mapped[bool] = mapped_column(default=False)
    backed_up_at: Mapped[datetime | None]
