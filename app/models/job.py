from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId


class Job(Base):
    """Work that outlasts the request that started it, with its progress and its outcome.

    `step` and `done` of `total` rows are as of `reported_at`. A finished job has either `result_url` or
    `problem`; `back_url` is where to go from a problem.
    """

    __tablename__ = "jobs"

    id: Mapped[Id]
    organization_id: Mapped[OrganizationId] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(40))
    state: Mapped[str] = mapped_column(String(20))
    actor_name: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[Moment] = mapped_column(default=clock.now)
    reported_at: Mapped[Moment] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]
    step: Mapped[str] = mapped_column(String(200))
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    back_url: Mapped[str] = mapped_column(Text())
    result_url: Mapped[str | None] = mapped_column(Text())
    problem: Mapped[str | None] = mapped_column(Text())
