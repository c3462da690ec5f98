"""AI on a number and the call webhook name their provider; a check run is known by its lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

FIRST = "elevenlabs"
"""The only voice AI provider with agents until this revision."""

numbers = sa.table(
    "voice_phone_numbers",
    sa.column("ai_enabled", sa.Boolean),
    sa.column("ai_provider", sa.String),
    sa.column("ai_phone_number_id", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("voice_phone_numbers") as batch:
        batch.add_column(sa.Column("ai_provider", sa.String(length=32), nullable=True))
        batch.alter_column("elevenlabs_phone_number_id", new_column_name="ai_phone_number_id")
    has_ai = numbers.c.ai_enabled | numbers.c.ai_phone_number_id.is_not(None)
    op.execute(numbers.update().where(has_ai).values(ai_provider=FIRST))

    with op.batch_alter_table("webhook_setups") as batch:
        batch.add_column(sa.Column("provider", sa.String(length=32), nullable=False, server_default=FIRST))
        batch.drop_constraint(op.f("pk_webhook_setups"), type_="primary")
        batch.create_primary_key(op.f("pk_webhook_setups"), ["organization_id", "provider"])
    with op.batch_alter_table("webhook_setups") as batch:
        batch.alter_column("provider", existing_type=sa.String(length=32), server_default=None)

    with op.batch_alter_table("check_runs") as batch:
        batch.drop_column("run_id")


def downgrade() -> None:
    with op.batch_alter_table("check_runs") as batch:
        batch.add_column(sa.Column("run_id", sa.String(length=36), nullable=False, server_default=""))
    with op.batch_alter_table("check_runs") as batch:
        batch.alter_column("run_id", existing_type=sa.String(length=36), server_default=None)

    op.execute(_all_but_one_of_each_organization())
    with op.batch_alter_table("webhook_setups") as batch:
        batch.drop_constraint(op.f("pk_webhook_setups"), type_="primary")
        batch.create_primary_key(op.f("pk_webhook_setups"), ["organization_id"])
        batch.drop_column("provider")

    with op.batch_alter_table("voice_phone_numbers") as batch:
        batch.alter_column("ai_phone_number_id", new_column_name="elevenlabs_phone_number_id")
        batch.drop_column("ai_provider")


def _all_but_one_of_each_organization() -> sa.Delete:
    setups = sa.table("webhook_setups", sa.column("organization_id"), sa.column("provider"))
    same = setups.alias()
    kept = sa.select(sa.func.min(same.c.provider)).where(same.c.organization_id == setups.c.organization_id)
    return setups.delete().where(setups.c.provider != kept.scalar_subquery())
