"""Whom a route or an operation lets in, and what is recorded of who enters another organization."""

from __future__ import annotations

from enum import StrEnum

import structlog
from sqlalchemy.exc import OperationalError

from app.models import Organization
from app.services import rate_limits
from app.services.audit import log as audit_log
from app.services.audit.actions import Action
from app.services.scope import Scope

log = structlog.get_logger(__name__)

_ENTERED = "entered"


class Who(StrEnum):
    ANYONE = "anyone"
    USER = "any user"
    SUPERADMIN = "superadmin"
    SIGNER = "ElevenLabs, which signs what it sends"


def record_hourly(inside: Scope, home: Organization) -> None:
    """As `record`, once an hour for an actor and an organization: programs ask the API all the time."""
    ids = (str(inside.actor.user_id), inside.organization.id)
    if rate_limits.was_recorded(inside, _ENTERED, *ids):
        return
    try:
        with inside.transaction(lock=False):
            if rate_limits.tally(inside, _ENTERED, *ids):
                audit_log.note(
                    inside, Action.ORGANIZATION_ENTERED, inside.organization.name, {"from": [home.name, None]}
                )
    except OperationalError as error:
        _log_failure(inside, error)


def record(inside: Scope) -> bool:
    """Audits that the actor entered the organization of the scope, from their own.

    Returns whether it could: on a full disk nothing can be written, but pages can still be read. The log has
    it then. What may not be read without a record, such as secrets, has one of its own.
    """
    try:
        with inside.transaction(lock=False):
            audit_log.note(inside, Action.ORGANIZATION_ENTERED, inside.organization.name)
    except OperationalError as error:
        _log_failure(inside, error)
        return False
    return True


def _log_failure(inside: Scope, error: OperationalError) -> None:
    actor, organization = inside.actor.user_id, inside.organization.id
    log.warning("audit.not_written", actor=actor, organization=organization, reason=str(error.orig))
