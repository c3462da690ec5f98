"""The organizations that a superadmin starred. The list is private, so the audit log does not record it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from app.models import Favorite, Organization
from app.services.scope import Scope

MOST = 50
"""The most favorites, and other organizations, that are returned."""


@dataclass(frozen=True)
class Choice:
    """The organizations to choose from. `has_more`: further ones match."""

    favorites: Sequence[Organization]
    others: Sequence[Organization]
    has_more: bool


def choose(scope: Scope, text: str) -> Choice:
    """Returns the organizations with the text in their name, by name, favorites separately."""
    starred = select(Favorite.organization_id).where(Favorite.user_id == scope.actor.user_id)
    query = select(Organization).order_by(Organization.name, Organization.id)
    query = query.where(scope.contains(Organization.name, text)) if text else query
    favorites = list(scope.session.scalars(query.where(Organization.id.in_(starred)).limit(MOST)))
    others = list(scope.session.scalars(query.where(Organization.id.not_in(starred)).limit(MOST + 1)))
    return Choice(favorites, others[:MOST], has_more=len(others) > MOST)


def toggle(scope: Scope) -> bool:
    """Stars or unstars the scope's organization for the actor. Returns whether it is starred now."""
    key = {"user_id": scope.actor.user_id, "organization_id": scope.organization.id}
    with scope.transaction(lock=False):
        removed = scope.session.execute(delete(Favorite).filter_by(**key)).rowcount  # type: ignore[attr-defined]
        if not removed:
            scope.session.add(Favorite(**key))
    return not removed
