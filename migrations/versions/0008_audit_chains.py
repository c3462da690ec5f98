"""The sealed record of where each chain of audit events begins and ends."""

from __future__ import annotations

from contextlib import suppress

import sqlalchemy as sa
from alembic import op
from flask import current_app

from app.core.sealing import SealBroken
from app.services.audit import chain

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """The records themselves are written when the installation next starts: that needs its keys."""
    op.create_table(
        "audit_chains",
        sa.Column("chain", sa.String(length=36), nullable=False),
        sa.Column("earlier", sa.Integer(), nullable=False),
        sa.Column("earlier_digest", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chains")),
    )


def downgrade() -> None:
    """Also takes back that there have to be records, so that an upgrade writes them again."""
    sealer, connection = current_app.extensions["patchbay"].sealer, op.get_bind()
    table = sa.table("installation", sa.column("id"), sa.column("key_check"))
    for row in connection.execute(sa.select(table)).all():
        with suppress(SealBroken):
            word = chain.open_key(sealer, row.key_check).without_records()
            connection.execute(table.update().values(key_check=sealer.seal(word, chain.KEY_CHECK)))
    op.drop_table("audit_chains")
