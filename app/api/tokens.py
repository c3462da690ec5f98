"""`/api/organizations/{organization_id}/users/{user_id}/tokens`: API tokens."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from app.api import examples, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.api.parameters import UUID, Parameter
from app.services.access import tokens as access_tokens
from app.services.access import users
from app.services.access.tokens import TokenDraft
from app.services.scope import Scope

tokens = blueprint(
    "tokens",
    "/api/organizations",
    Tag("API tokens", "Long-lived tokens of users, for programs. Each is shown once, when it is created."),
)

TOKEN_ID = Parameter("token_id", "Id of the token.", UUID, example=examples.TOKEN_ID)


@tokens.operation(
    "GET",
    "/<organization_id>/users/<user_id>/tokens",
    who=Who.SUPERADMIN,
    returns="The tokens.",
    response=schemas.Token,
    is_list=True,
    example=[examples.TOKEN],
    headers=("ETag",),
)
def list_tokens(scope: Scope, user_id: str) -> ResponseReturnValue:
    """List the API tokens of a user

    Returns the tokens that work, newest first, then those that expired lately. The tokens themselves are not
    stored.
    """
    listed = access_tokens.of_user(scope, users.get(scope, user_id))
    return responses.document([access_tokens.document(token) for token in listed], tagged=True)


@tokens.operation(
    "POST",
    "/<organization_id>/users/<user_id>/tokens",
    who=Who.SUPERADMIN,
    returns="The new token, which is shown this once.",
    body=TokenDraft,
    body_example=examples.NEW_TOKEN,
    response=schemas.IssuedToken,
    example=examples.ISSUED_TOKEN,
    status=201,
    headers=("Location",),
    errors=("PASSWORD_NEEDED", "NOT_YOUR_TOKEN", "PORTAL_ONLY", "USER_DISABLED"),
)
def create_token(scope: Scope, user_id: str, payload: Any) -> ResponseReturnValue:
    """Create an API token for a user

    For a member, or for yourself. A token that can read credentials is created in the portal only, where the
    password is entered for each one.

    Requires a token from `POST /api/auth/login` that is at most half an hour old.
    """
    issued = access_tokens.issue_for_api(scope, users.get(scope, user_id), payload)
    body = access_tokens.document(issued.token) | {"token": issued.jwt, "token_type": "Bearer"}
    url = url_for(
        ".get_token", organization_id=scope.organization.id, user_id=user_id, token_id=issued.token.id
    )
    return responses.document(body, 201, location=url)


@tokens.operation(
    "GET",
    "/<organization_id>/users/<user_id>/tokens/<token_id>",
    who=Who.SUPERADMIN,
    returns="The token's name, scopes and dates.",
    parameters=(TOKEN_ID,),
    response=schemas.Token,
    example=examples.TOKEN,
    headers=("ETag",),
)
def get_token(scope: Scope, user_id: str, token_id: str) -> ResponseReturnValue:
    """Get an API token

    Returns when it was created, when it expires, and when it was last used; never the token itself.
    """
    token = access_tokens.get(scope, users.get(scope, user_id), token_id)
    return responses.document(access_tokens.document(token), tagged=True)


@tokens.operation(
    "DELETE",
    "/<organization_id>/users/<user_id>/tokens/<token_id>",
    who=Who.SUPERADMIN,
    returns="The token was revoked.",
    parameters=(TOKEN_ID,),
    status=204,
)
def revoke_token(scope: Scope, user_id: str, token_id: str) -> ResponseReturnValue:
    """Revoke an API token

    It stops working immediately. Revoking it again changes nothing.
    """
    access_tokens.revoke(scope, users.get(scope, user_id), token_id)
    return responses.no_content()
