"""`/api/auth`: sign in for a token."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.api import examples, responses, schemas
from app.api.operations import Tag, Who, blueprint
from app.core import clock
from app.services.access import sign_in
from app.services.scope import Scope

auth = blueprint("auth", "/api/auth", Tag("Sign-in", "Short-lived tokens from an email and a password."))


@auth.operation(
    "POST",
    "/login",
    who=Who.ANYONE,
    returns="The token.",
    body=sign_in.Credentials,
    body_example=examples.CREDENTIALS,
    response=schemas.SignedIn,
    example=examples.SIGNED_IN,
    errors=("WRONG_CREDENTIALS", "TOTP_REQUIRED", "TWO_STEP_NEEDED", "TOO_MANY_REQUESTS"),
)
def login(scope: Scope, payload: Any) -> ResponseReturnValue:
    """Create a token with email and password

    The token is valid for 12 hours; a superadmin's has the `secrets` scope. Users with two-step sign-in
    also send a code of the authenticator app, or a recovery code, as `totp`. Long-lived tokens are
    created in the portal, under Account.
    """
    _user, issued = sign_in.for_token(scope, payload)
    expires = clock.utc(issued.token.expires_at)
    return responses.document({"token": issued.jwt, "token_type": "Bearer", "expires_at": expires})
