from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.models.base import Base, Id, Moment, OrganizationId


class Job(Base):
    """Work that outlasts the request that started it, with its progress and its outcome.

    `step` and `done` of `total` rows are as of `reported_at`. A finished job has `result_url`, `problem` or
    its `JobResult` rows; `back_url` is the link on the page of a problem. `stop_requested`: by a user.
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
    stop_requested: Mapped[bool] = mapped_column(default=False)


class JobResult(Base):
    """The result of a job for one number. `ok` is None while it is not confirmed.

    `settings`: the provider's settings before the job changed them, as JSON, so that it can be undone; `url`:
    the webhook that the job set.
    """

    __tablename__ = "job_results"

    job_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True
    )
    phone_number: Mapped[str] = mapped_column(String(16), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(index=True)
    endpoint_id: Mapped[str] = mapped_column(String(36))
    provider: Mapped[str] = mapped_column(String(32))
    ok: Mapped[bool | None]
    code: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text())
    settings: Mapped[str | None] = mapped_column(Text())
    url: Mapped[str | None] = mapped_column(Text())
