"""Since when what a change of health ended had lasted, stored with that change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

BACKFILL = """
UPDATE health_transitions SET ended_since = (
    SELECT earlier.since FROM health_transitions AS earlier
    WHERE earlier.organization_id = health_transitions.organization_id
    AND earlier.phone_number = health_transitions.phone_number
    AND earlier.provider = health_transitions.provider
    AND earlier.at <= health_transitions.at
    AND earlier.id < health_transitions.id
    ORDER BY earlier.at DESC, earlier.id DESC LIMIT 1
) WHERE since IS NULL AND was IN ('unhealthy', 'unknown')
"""


def upgrade() -> None:
    op.add_column("health_transitions", sa.Column("ended_since", sa.DateTime(), nullable=True))
    op.execute(BACKFILL)
    ends = sa.text("ended_since IS NOT NULL")
    op.create_index(
        "ix_health_transitions_ends",
        "health_transitions",
        ["at", "organization_id"],
        unique=False,
        sqlite_where=ends,
        postgresql_where=ends,
    )


def downgrade() -> None:
    op.drop_index("ix_health_transitions_ends", table_name="health_transitions")
    op.drop_column("health_transitions", "ended_since")
