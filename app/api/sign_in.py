"""`/api/auth`: sign in for a token."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.api import responses, schemas
from app.api.operations import Who, blueprint
from app.core import clock
from app.services.access import sign_in
from app.services.scope import Scope

auth = blueprint("auth", "/api/auth")


@auth.operation(
    "POST",
    "/login",
    who=Who.ANYONE,
    body=sign_in.Credentials,
    response=schemas.SignedIn,
    errors=(401, 429),
)
def login(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Create a token with email and password

    Users with two-step sign-in also send a TOTP or recovery code as totp.
    """
    _user, issued = sign_in.for_token(scope, sent)
    expires = clock.utc(issued.token.expires_at)
    return responses.document({"token": issued.jwt, "token_type": "Bearer", "expires_at": expires})
