"""All that is read of the ends of outages, in their index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

NAME, TABLE = "ix_health_transitions_ends", "health_transitions"
ENDS = sa.text("ended_since IS NOT NULL")


def upgrade() -> None:
    _replace("organization_id", "at", "phone_number", "provider", "ended_since", "now")


def downgrade() -> None:
    _replace("at", "organization_id")


def _replace(*columns: str) -> None:
    op.drop_index(NAME, table_name=TABLE)
    op.create_index(NAME, TABLE, columns, unique=False, sqlite_where=ENDS, postgresql_where=ENDS)
