"""What many-number events changed of each number; when a call was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "audit_numbers",
        sa.Column("event_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=True),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["audit_events.id"], name=op.f("fk_audit_numbers_event_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_audit_numbers_organization_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("event_id", "first", name=op.f("pk_audit_numbers")),
    )
    op.create_index(
        "ix_audit_numbers_organization", "audit_numbers", ["organization_id", "first", "last", "event_id"]
    )
    op.add_column("audit_events", sa.Column("numbers_digest", sa.String(length=64), nullable=True))
    _date_calls()


def _date_calls() -> None:
    """A call cannot have begun after it was told of."""
    op.add_column("calls", sa.Column("at", sa.DateTime(), nullable=True))
    op.execute(
        "UPDATE calls SET at = CASE WHEN started_at < received_at THEN started_at ELSE received_at END"
    )
    with op.batch_alter_table("calls") as batch:
        batch.alter_column("at", existing_type=sa.DateTime(), nullable=False)
    op.drop_index("ix_calls_organization_received", "calls")
    op.create_index("ix_calls_organization_at", "calls", ["organization_id", "at", "id"])


def downgrade() -> None:
    op.drop_index("ix_calls_organization_at", "calls")
    op.create_index("ix_calls_organization_received", "calls", ["organization_id", "received_at", "id"])
    with op.batch_alter_table("calls") as batch:
        batch.drop_column("at")
    op.drop_table("audit_numbers")
    with op.batch_alter_table("audit_events") as batch:
        batch.drop_column("numbers_digest")
