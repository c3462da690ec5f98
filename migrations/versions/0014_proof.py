"""What proves a connection: any response, until a credential changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

SAME = "connections.organization_id = checks.organization_id AND connections.provider = checks.provider"


def upgrade() -> None:
    """A test of an earlier version of a connection says nothing about this one."""
    op.execute(
        "DELETE FROM checks WHERE NOT EXISTS (SELECT 1 FROM connections "  # noqa: S608
        f"WHERE {SAME} AND connections.version = checks.connection_version)"
    )
    op.add_column("checks", sa.Column("evidence", sa.String(length=32), nullable=False, server_default="test"))
    with op.batch_alter_table("checks") as table:
        table.alter_column("evidence", server_default=None)
        table.drop_column("connection_version")


def downgrade() -> None:
    op.add_column(
        "checks", sa.Column("connection_version", sa.Integer(), nullable=False, server_default="0")
    )
    op.execute(
        "UPDATE checks SET connection_version = "  # noqa: S608
        f"(SELECT connections.version FROM connections WHERE {SAME}) "
        f"WHERE EXISTS (SELECT 1 FROM connections WHERE {SAME})"
    )
    with op.batch_alter_table("checks") as table:
        table.alter_column("connection_version", server_default=None)
        table.drop_column("evidence")
