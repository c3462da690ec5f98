"""What a check found, in a sentence, and in which region a number is answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("drift_checks", sa.Column("detail", sa.Text(), nullable=True))
    op.add_column("drift_checks", sa.Column("place", sa.String(length=32), nullable=True))
    op.add_column("drift_checks", sa.Column("placed_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    for name in ("placed_at", "place", "detail"):
        op.drop_column("drift_checks", name)
