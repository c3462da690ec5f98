"""Names and labels sort by code points on PostgreSQL too, whatever the locale of the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

_TEXTS = (
    ("endpoints", "inbound_agent_name", 100),
    ("endpoints", "outbound_agent_name", 100),
    ("endpoints", "label", 200),
    ("organizations", "name", 120),
    ("users", "name", 120),
)


def upgrade() -> None:
    _collate("C")


def downgrade() -> None:
    _collate("default")


def _collate(collation: str) -> None:
    """PostgreSQL rebuilds the indexes of the columns, and not the tables."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column, length in _TEXTS:
            op.alter_column(table, column, type_=sa.String(length, collation=collation))
