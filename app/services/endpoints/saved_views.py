"""Filters of the table that a user has named, in one organization.

Other users do not see them, so the audit log does not record them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel

from app.core import texts
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.models import SavedView
from app.services import messages as shared_messages
from app.services import validation
from app.services.endpoints import messages
from app.services.fields import check_name
from app.services.scope import Scope
from app.services.validation import Checked

MOST = 20
NAME_LONGEST = 60
QUERY_LONGEST = 2000


def _check_name(value: str, country: str | None = None) -> str:
    if len(value) > NAME_LONGEST:
        raise ValueError(shared_messages.name_too_long(NAME_LONGEST))
    return check_name(value, country)


Name = Annotated[str, Checked(_check_name, {"maxLength": NAME_LONGEST, "pattern": texts.FILLED_LINE})]


class _Draft(BaseModel):
    model_config = validation.STRICT

    name: Name


def of_user(scope: Scope) -> list[SavedView]:
    """Returns the user's views, oldest first."""
    query = scope.select(SavedView).where(SavedView.user_id == scope.actor.user_id)
    return list(scope.session.scalars(query.order_by(SavedView.created_at, SavedView.id)))


def get(scope: Scope, view_id: str) -> SavedView:
    """Returns the user's view. Raises NotFound, also for another user's."""
    row = scope.get(SavedView, view_id, what="view")
    if row.user_id != scope.actor.user_id:
        raise NotFound(shared_messages.not_found("view"))
    return row


def save(scope: Scope, name: Any, query: str) -> SavedView:
    """Saves a filter. Raises Invalid, also for too many, and Conflict if the name is in use."""
    draft = validation.read(_Draft, {"name": name})
    if not query or len(query) > QUERY_LONGEST:
        raise Invalid([Problem("name", messages.NO_FILTER)])
    with scope.transaction():
        others = of_user(scope)
        if len(others) >= MOST:
            raise Invalid([Problem("name", messages.too_many_views(MOST))])
        _expect_unused(others, draft.name)
        row = SavedView(
            organization_id=scope.organization.id, user_id=scope.actor.user_id, name=draft.name, query=query
        )
        scope.session.add(row)
    return row


def rename(scope: Scope, view_id: str, name: Any) -> SavedView:
    """Renames a view. Raises Invalid, NotFound, and Conflict if the name is in use."""
    draft = validation.read(_Draft, {"name": name})
    with scope.transaction():
        row = get(scope, view_id)
        _expect_unused([other for other in of_user(scope) if other is not row], draft.name)
        row.name = draft.name
    return row


def delete(scope: Scope, view_id: str) -> None:
    with scope.transaction():
        scope.session.delete(get(scope, view_id))


def _expect_unused(others: list[SavedView], name: str) -> None:
    if any(other.name == name for other in others):
        raise Conflict(messages.view_exists(name))
