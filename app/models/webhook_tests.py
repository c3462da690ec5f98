from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, OrganizationId


class _Tested:
    """The last test of a URL. While the lease lasts, no other test starts.

    `results` has the last result of each request, by its name. `ok` and `code` summarize those that are of
    `url`. `is_proof`: they prove that the URL answers the provider's calls and refuses others, until the
    credentials change.
    """

    url: Mapped[str] = mapped_column(Text())
    leased_until: Mapped[datetime | None]
    ok: Mapped[bool | None]
    code: Mapped[str | None] = mapped_column(String(40))
    is_proof: Mapped[bool] = mapped_column(default=False)
    results: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    tested_at: Mapped[datetime | None]
    actor_name: Mapped[str] = mapped_column(String(254), default="")


class WebhookTest(Base, _Tested):
    """The last test of an endpoint's webhook."""

    __tablename__ = "webhook_tests"
    __table_args__ = (
        Index("ix_webhook_tests_organization_provider", "organization_id", "provider"),
        Index("ix_webhook_tests_tested_at", "tested_at"),
    )

    endpoint_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[OrganizationId]
    provider: Mapped[str] = mapped_column(String(32))


class CallbackTest(Base, _Tested):
    """The last test of the callback URL that all numbers of a provider's application share."""

    __tablename__ = "callback_tests"

    organization_id: Mapped[OrganizationId] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(String(32), primary_key=True)
