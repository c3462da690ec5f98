"""`/api/me`: the user of the token."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.api import examples, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.services.access import identity
from app.services.scope import Scope

me = blueprint("me", "/api/me", Tag("Caller", "The user of the token, and what the token may do."))


@me.operation(
    "GET",
    "",
    who=Who.USER,
    returns="The user, the organization and the token's scopes.",
    response=schemas.Me,
    example=examples.ME,
    headers=("ETag",),
)
def current_user(scope: Scope) -> ResponseReturnValue:
    """Get the current user

    Returns the token's user and their organization, the token's scopes, and when it expires.
    """
    return responses.document(identity.document(scope), tagged=True)
