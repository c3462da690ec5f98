"""Failed deliveries to the webhooks for call reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """They are known from the next check."""
    op.add_column("webhook_setups", sa.Column("failed_at", sa.DateTime(), nullable=True))
    op.add_column("webhook_setups", sa.Column("failure_status", sa.Integer(), nullable=True))
    op.add_column("webhook_setups", sa.Column("disabled_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("webhook_setups", "disabled_at")
    op.drop_column("webhook_setups", "failure_status")
    op.drop_column("webhook_setups", "failed_at")
