"""Which keys machines sign with, and when the last backup was made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("installation") as batch:
        batch.add_column(sa.Column("token_key_check", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("session_key_check", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("backed_up_at", sa.DateTime(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("installation") as batch:
        batch.drop_column("backed_up_at")
        batch.drop_column("session_key_check")
        batch.drop_column("token_key_check")
