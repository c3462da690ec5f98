"""Whether a call came in or went out, if its report says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Of calls that were reported before, it stays unknown."""
    op.add_column("calls", sa.Column("direction", sa.String(length=8), nullable=True))


def downgrade() -> None:
    op.drop_column("calls", "direction")
