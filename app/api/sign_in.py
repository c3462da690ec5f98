"""Email and password for a JWT."""

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
    answer=schemas.SignedIn,
    refusals=(401, 429),
)
def login(scope: Scope, sent: Any) -> ResponseReturnValue:
    """Sign in with email, password and, where two-step sign-in is on, a TOTP or recovery code"""
    _user, issued = sign_in.for_token(scope, sent)
    expires = f"{clock.iso(issued.token.expires_at)}Z"
    return responses.document({"token": issued.jwt, "token_type": "Bearer", "expires_at": expires})
