"""Checks on a schedule: a run is of one provider, and call webhooks are checked too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ANY = "twilio"
MOMENTS = ("started_at", "leased_until")


def upgrade() -> None:
    """An earlier run was of all providers. It is kept as one of a provider with numbers."""
    with op.batch_alter_table("check_runs") as table:
        table.add_column(sa.Column("provider", sa.String(length=32), nullable=False, server_default=ANY))
        table.add_column(sa.Column("due", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("next_at", sa.DateTime(), nullable=True))
        for name in MOMENTS:
            table.alter_column(name, existing_type=sa.DateTime(), nullable=True)
        table.drop_constraint(op.f("pk_check_runs"), type_="primary")
        table.create_primary_key(op.f("pk_check_runs"), ["organization_id", "provider"])
    op.execute(
        "UPDATE check_runs SET provider = COALESCE((SELECT MIN(provider) FROM drift_checks "
        "WHERE drift_checks.organization_id = check_runs.organization_id), provider)"
    )
    with op.batch_alter_table("check_runs") as table:
        table.alter_column("provider", existing_type=sa.String(length=32), server_default=None)
        table.alter_column("due", existing_type=sa.Boolean(), server_default=None)

    op.add_column("webhook_setups", sa.Column("checked_at", sa.DateTime(), nullable=True))
    op.add_column(
        "webhook_setups", sa.Column("has_retries", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    with op.batch_alter_table("webhook_setups") as table:
        table.alter_column("has_retries", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("webhook_setups") as table:
        table.drop_column("has_retries")
        table.drop_column("checked_at")

    op.execute("DELETE FROM check_runs WHERE started_at IS NULL OR leased_until IS NULL")
    op.execute(
        "DELETE FROM check_runs WHERE provider > (SELECT MIN(other.provider) FROM check_runs AS other "
        "WHERE other.organization_id = check_runs.organization_id)"
    )
    with op.batch_alter_table("check_runs") as table:
        table.drop_constraint(op.f("pk_check_runs"), type_="primary")
        table.create_primary_key(op.f("pk_check_runs"), ["organization_id"])
        table.drop_column("provider")
        table.drop_column("due")
        table.drop_column("next_at")
        for name in MOMENTS:
            table.alter_column(name, existing_type=sa.DateTime(), nullable=False)
