"""The verdict on each number, and every change of the verdict on a number or a connection."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """What the last checks found is the first transition of each number."""
    op.create_table(
        "health_transitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("phone_number", sa.String(length=16), nullable=False),
        sa.Column("was", sa.String(length=16), nullable=False),
        sa.Column("now", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.Column("since", sa.DateTime(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_health_transitions_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_transitions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_health_transitions_organization_id", "health_transitions", ["organization_id", "id"])
    op.create_index(
        "ix_health_transitions_subject",
        "health_transitions",
        ["organization_id", "phone_number", "provider", "at", "id"],
    )
    is_connection = sa.text("phone_number = ''")
    op.create_index(
        "ix_health_transitions_connections",
        "health_transitions",
        ["organization_id", "provider", "id"],
        sqlite_where=is_connection,
        postgresql_where=is_connection,
    )
    op.create_index("ix_health_transitions_at", "health_transitions", ["at"])
    op.drop_index("ix_drift_checks_drifted", "drift_checks")
    op.drop_index("ix_drift_checks_organization_sync", "drift_checks")
    op.add_column("drift_checks", sa.Column("verdict", sa.String(length=16), nullable=True))
    op.add_column("drift_checks", sa.Column("cause", sa.String(length=40), nullable=True))
    op.execute(
        "UPDATE drift_checks SET verdict = CASE WHEN in_sync THEN 'healthy' "
        "WHEN NOT in_sync THEN 'unhealthy' ELSE 'unknown' END, "
        "cause = CASE WHEN in_sync THEN NULL WHEN NOT in_sync OR reason = 'not_shown' THEN reason "
        "ELSE 'not_checked' END"
    )
    op.execute(
        "INSERT INTO health_transitions (organization_id, provider, phone_number, was, now, reason, since, at) "
        "SELECT organization_id, provider, phone_number, 'off', verdict, cause, since, "
        "COALESCE(since, checked_at, CURRENT_TIMESTAMP) FROM drift_checks"
    )
    op.create_index(
        "ix_drift_checks_organization_verdict",
        "drift_checks",
        ["organization_id", "verdict", "cause", "phone_number", "provider"],
    )
    where = sa.text("verdict = 'unhealthy'")
    op.create_index(
        "ix_drift_checks_unhealthy",
        "drift_checks",
        ["organization_id", "provider", "cause", "since"],
        sqlite_where=where,
        postgresql_where=where,
    )


def downgrade() -> None:
    op.drop_index("ix_drift_checks_unhealthy", "drift_checks")
    op.drop_index("ix_drift_checks_organization_verdict", "drift_checks")
    op.drop_column("drift_checks", "cause")
    op.drop_column("drift_checks", "verdict")
    op.create_index(
        "ix_drift_checks_organization_sync",
        "drift_checks",
        ["organization_id", "in_sync", "reason", "phone_number", "provider"],
    )
    op.create_index(
        "ix_drift_checks_drifted",
        "drift_checks",
        ["organization_id", "provider", "reason", "since"],
        sqlite_where=sa.text("in_sync IS 0"),
        postgresql_where=sa.text("in_sync IS false"),
    )
    op.drop_table("health_transitions")
