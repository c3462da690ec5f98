"""Jobs that change many numbers at their providers: what was done to each, and a request to stop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column(
        "jobs", sa.Column("stop_requested", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    with op.batch_alter_table("jobs") as table:
        table.alter_column("stop_requested", existing_type=sa.Boolean(), server_default=None)
    op.create_table(
        "job_results",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("phone_number", sa.String(length=16), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_results_job_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_job_results_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("job_id", "phone_number", name=op.f("pk_job_results")),
    )
    op.create_index("ix_job_results_organization_id", "job_results", ["organization_id"], unique=False)


def downgrade() -> None:
    op.drop_table("job_results")
    with op.batch_alter_table("jobs") as table:
        table.drop_column("stop_requested")
