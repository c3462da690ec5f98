"""Emails in one spelling; the last TOTP step goes, since each code that was used is kept."""

from __future__ import annotations

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

users = sa.table("users", sa.column("id", sa.String), sa.column("email", sa.String))


def upgrade() -> None:
    with op.batch_alter_table("users") as batch:
        batch.drop_column("totp_last_step")
    _normalize_emails()


def _normalize_emails() -> None:
    """Where two users would become one, both stay as they are: an operator has to choose."""
    connection = op.get_bind()
    rows = connection.execute(sa.select(users.c.id, users.c.email)).all()
    taken = {email for _, email in rows}
    for user_id, email in rows:
        normal = unicodedata.normalize("NFKC", email).strip().lower()
        if normal not in taken:
            connection.execute(sa.update(users).where(users.c.id == user_id).values(email=normal))
            taken.add(normal)


def downgrade() -> None:
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("totp_last_step", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("users") as batch:
        batch.alter_column("totp_last_step", server_default=None)
