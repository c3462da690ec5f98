"""The owner and the permissions of an API token."""

from __future__ import annotations

from typing import Any

from app.core import clock
from app.models import ApiToken, Organization, User
from app.services.scope import Scope


def document(scope: Scope) -> dict[str, Any]:
    """Returns the token's user, their own organization, the token's scopes, and when it expires."""
    actor = scope.actor
    user = scope.session.get_one(User, actor.user_id)
    home = scope.session.get_one(Organization, actor.organization_id)
    token = scope.session.get_one(ApiToken, actor.token_id)
    return {
        "user": {"id": user.id, "name": user.name, "email": user.email, "role": user.role},
        "organization": {"id": home.id, "name": home.name, "slug": home.slug},
        "scopes": sorted(actor.scopes),
        "expires_at": clock.utc(token.expires_at),
    }
