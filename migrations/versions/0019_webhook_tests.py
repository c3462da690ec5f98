"""Webhook tests: the last one of each endpoint."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "webhook_tests",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.DateTime(), nullable=True),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("is_proof", sa.Boolean(), nullable=False),
        sa.Column("results", sa.JSON(), nullable=False),
        sa.Column("tested_at", sa.DateTime(), nullable=True),
        sa.Column("actor_name", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.id"],
            name=op.f("fk_webhook_tests_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_webhook_tests_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_webhook_tests")),
    )
    op.create_index("ix_webhook_tests_organization_provider", "webhook_tests", ["organization_id", "provider"])
    op.create_index("ix_webhook_tests_tested_at", "webhook_tests", ["tested_at"])


def downgrade() -> None:
    op.drop_table("webhook_tests")
