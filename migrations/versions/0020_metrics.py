"""An index that counts numbers by provider and verdict, for metrics."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_index("ix_drift_checks_provider_verdict", "drift_checks", ["provider", "verdict"])


def downgrade() -> None:
    op.drop_index("ix_drift_checks_provider_verdict", "drift_checks")
