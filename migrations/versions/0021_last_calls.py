"""The last call to each number, as its provider lists it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Since when a number is in sync is known from its next check."""
    op.create_table(
        "last_calls",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("phone_number", sa.String(length=16), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=True),
        sa.Column("since", sa.DateTime(), nullable=True),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.Column("error_code", sa.String(length=10), nullable=True),
        sa.Column("error_url", sa.Text(), nullable=True),
        sa.Column("error_at", sa.DateTime(), nullable=True),
        sa.Column("unread", sa.String(length=1000), nullable=True),
        sa.Column("problem", sa.String(length=1000), nullable=True),
        sa.Column("tried_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_last_calls_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", "provider", "phone_number", name=op.f("pk_last_calls")),
    )
    op.add_column("drift_checks", sa.Column("in_sync_since", sa.DateTime(), nullable=True))
    op.add_column("check_runs", sa.Column("calls_read_at", sa.DateTime(), nullable=True))
    op.add_column(
        "organizations",
        sa.Column("reads_last_calls", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("organizations") as table:
        table.alter_column("reads_last_calls", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("organizations") as table:
        table.drop_column("reads_last_calls")
    op.drop_column("check_runs", "calls_read_at")
    op.drop_column("drift_checks", "in_sync_since")
    op.drop_table("last_calls")
