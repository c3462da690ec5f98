"""Who may use a route or an API operation, and how superadmins enter another organization."""

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
    SIGNER = "the voice AI provider, which signs its reports"


def enter(scope: Scope, organization: Organization) -> Scope:
    """Returns the actor's scope in the organization. Entering another than the actor's own is audited.

    One event an hour is recorded for an actor and an organization, so that most requests only read. On a
    full disk nothing can be written, but pages stay readable: then the entry is in the log alone. Reading
    secrets has an event of its own, and fails without it.
    """
    inside = scope.for_organization(organization)
    if organization.id == scope.actor.organization_id:
        return inside
    ids = (str(scope.actor.user_id), organization.id)
    if not rate_limits.was_recorded(inside, _ENTERED, *ids):
        try:
            _record(inside, ids)
        except OperationalError as error:
            log.warning("audit.not_written", actor=ids[0], organization=ids[1], reason=str(error.orig))
    return inside


def _record(inside: Scope, ids: tuple[str, str]) -> None:
    with inside.transaction(lock=False):
        if rate_limits.tally(inside, _ENTERED, *ids):
            home = inside.session.get_one(Organization, inside.actor.organization_id)
            changes = {"from": [None, home.name]}
            audit_log.note(inside, Action.ORGANIZATION_ENTERED, inside.organization.name, changes)
