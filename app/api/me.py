"""`/api/me`: the user of the token."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.services.access import identity
from app.services.scope import Scope

me = blueprint("me", "/api/me")


@me.operation("GET", "", who=Who.USER, response=schemas.Me)
def current_user(scope: Scope) -> ResponseReturnValue:
    """Get the current user

    Returns the token's user and their organization, the token's scopes, and when it expires.
    """
    return responses.document(identity.document(scope), tagged=True)
