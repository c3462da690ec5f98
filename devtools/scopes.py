"""Scopes for programs beside the application."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core import clock
from app.models import Organization, Role, User
from app.services.scope import SECRETS, Actor, Keys, Scope

PASSWORD = "seven tall pines by the lake"


def scope_of(
    session: Session,
    organization: Organization | None,
    user: User,
    keys: Keys,
    scopes: frozenset[str] = frozenset({SECRETS}),
) -> Scope:
    actor = Actor(
        name=user.email,
        user_id=user.id,
        organization_id=user.organization_id,
        role=Role(user.role),
        scopes=scopes,
        ip="192.0.2.1",
        request_id="request-1",
        password_typed_at=clock.now(),
    )
    return Scope(session, organization, actor, keys)
