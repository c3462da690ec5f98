"""Whom a route or an operation lets in, and what is recorded of who enters another organization."""

from __future__ import annotations

from enum import StrEnum

from app.models import Organization
from app.services import audit
from app.services.actions import Action
from app.services.scope import Scope


class Who(StrEnum):
    ANYONE = "anyone"
    USER = "any user"
    SUPERADMIN = "superadmin"
    SIGNER = "ElevenLabs, which signs what it sends"


def record(inside: Scope, home: Organization | None = None) -> None:
    """Audits that the actor entered the organization of the scope, from their own."""
    changes = {"from": [home.name, None]} if home else None
    with inside.transaction(lock=False):
        audit.note(inside, Action.ORGANIZATION_ENTERED, inside.organization.name, changes)
