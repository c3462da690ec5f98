"""Links with which a user chooses a password, and whether superadmins need two-step sign-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "password_links",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("ends_two_step", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("creator_id", sa.String(length=36), nullable=True),
        sa.Column("creator_name", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_links_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_password_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_links_token_hash")),
    )
    op.create_index("ix_password_links_creator_id", "password_links", ["creator_id"], unique=False)
    op.add_column(
        "installation",
        sa.Column("superadmins_need_two_step", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    with op.batch_alter_table("installation") as table:
        table.alter_column(
            "superadmins_need_two_step", existing_type=sa.Boolean(), server_default=None
        )


def downgrade() -> None:
    with op.batch_alter_table("installation") as table:
        table.drop_column("superadmins_need_two_step")
    op.drop_table("password_links")
