"""The labels of fields, on every page and in every file that shows a change."""

from __future__ import annotations

from app.services.audit import actions
from app.services.endpoints import fields


def field_label(name: str) -> str:
    """Returns the label of a field that an audit event names."""
    return fields.LABELS.get(name) or actions.field_label(name)
