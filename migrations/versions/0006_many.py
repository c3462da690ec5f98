"""Indexes that count many endpoints, and what was seen of them, without reading their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

SORTS = {
    "active": "is_active",
    "agent": sa.text("lower(inbound_agent_name)"),
    "created": "created_at",
    "label": sa.text("lower(label)"),
    "provider": "provider",
}
COUNTED = ("provider", "is_active", "label", "inbound_agent_name", "outbound_agent_name")


def upgrade() -> None:
    op.create_index(
        "ix_audit_events_action", "audit_events", ["organization_id", "action", "id"], unique=False
    )

    op.drop_index("ix_drift_checks_organization_due", table_name="drift_checks")
    op.drop_index("ix_drift_checks_organization_sync", table_name="drift_checks")
    op.create_index(
        "ix_drift_checks_due",
        "drift_checks",
        ["organization_id", "provider", "phone_number"],
        unique=False,
        sqlite_where=sa.text("due = 1"),
        postgresql_where=sa.text("due"),
    )
    op.create_index(
        "ix_drift_checks_drifted",
        "drift_checks",
        ["organization_id", "provider", "reason", "since"],
        unique=False,
        sqlite_where=sa.text("in_sync IS 0"),
        postgresql_where=sa.text("in_sync IS false"),
    )
    op.create_index(
        "ix_drift_checks_organization_checked",
        "drift_checks",
        ["organization_id", "checked_at"],
        unique=False,
    )
    op.create_index(
        "ix_drift_checks_organization_sync",
        "drift_checks",
        ["organization_id", "in_sync", "reason", "phone_number", "provider"],
        unique=False,
    )

    for name, key in SORTS.items():
        op.create_index(
            f"ix_endpoints_by_{name}", "endpoints", ["organization_id", key, "phone_number"], unique=False
        )
    op.drop_index("ix_endpoints_organization_number", table_name="endpoints")
    op.create_index(
        "ix_endpoints_organization_number",
        "endpoints",
        ["organization_id", "phone_number", *COUNTED],
        unique=False,
    )
    op.drop_index("ix_endpoints_organization_outbound", table_name="endpoints")
    op.create_index(
        "ix_endpoints_organization_outbound",
        "endpoints",
        ["organization_id", "outbound_agent_name", "provider", "is_active"],
        unique=False,
    )
    op.create_index(
        "ix_endpoints_organization_provider",
        "endpoints",
        ["organization_id", "provider", "is_active", "inbound_agent_name"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_endpoints_organization_provider", table_name="endpoints")
    for name in SORTS:
        op.drop_index(f"ix_endpoints_by_{name}", table_name="endpoints")
    op.drop_index("ix_endpoints_organization_number", table_name="endpoints")
    op.create_index(
        "ix_endpoints_organization_number", "endpoints", ["organization_id", "phone_number"], unique=False
    )
    op.drop_index("ix_endpoints_organization_outbound", table_name="endpoints")
    op.create_index(
        "ix_endpoints_organization_outbound",
        "endpoints",
        ["organization_id", "outbound_agent_name"],
        unique=False,
    )

    for name in ("sync", "checked"):
        op.drop_index(f"ix_drift_checks_organization_{name}", table_name="drift_checks")
    op.drop_index("ix_drift_checks_drifted", table_name="drift_checks")
    op.drop_index("ix_drift_checks_due", table_name="drift_checks")
    op.create_index(
        "ix_drift_checks_organization_sync", "drift_checks", ["organization_id", "in_sync"], unique=False
    )
    op.create_index(
        "ix_drift_checks_organization_due", "drift_checks", ["organization_id", "due"], unique=False
    )

    op.drop_index("ix_audit_events_action", table_name="audit_events")
