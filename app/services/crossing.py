"""Whom a route or an operation lets in, and what is recorded of who enters another organization."""

from __future__ import annotations

from enum import StrEnum

import structlog
from sqlalchemy.exc import OperationalError

from app.models import Organization
from app.services import audit
from app.services.actions import Action
from app.services.scope import Scope

log = structlog.get_logger(__name__)


class Who(StrEnum):
    ANYONE = "anyone"
    USER = "any user"
    SUPERADMIN = "superadmin"
    SIGNER = "ElevenLabs, which signs what it sends"


def record(inside: Scope, home: Organization | None = None) -> bool:
    """Audits that the actor entered the organization of the scope, from their own.

    Returns whether it could: on a full disk nothing can be written, but pages can still be read. The log has
    it then. What may not be read without a record, such as secrets, has one of its own.
    """
    changes = {"from": [home.name, None]} if home else None
    try:
        with inside.transaction(lock=False):
            audit.note(inside, Action.ORGANIZATION_ENTERED, inside.organization.name, changes)
    except OperationalError as error:
        actor, organization = inside.actor.user_id, inside.organization.id
        log.warning("audit.not_written", actor=actor, organization=organization, reason=str(error.orig))
        return False
    return True
