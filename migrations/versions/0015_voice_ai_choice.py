"""The voice AI provider is one with agents: a SIP trunk alone answers no calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TRUNK = "sinch_est"
"""The only voice AI provider without agents until this revision."""

organizations = sa.table("organizations", sa.column("active_voice_ai", sa.String))


def upgrade() -> None:
    chosen = organizations.c.active_voice_ai
    op.execute(organizations.update().where(chosen == TRUNK).values(active_voice_ai=None))


def downgrade() -> None:
    """A trunk can be chosen again; none has to be."""
