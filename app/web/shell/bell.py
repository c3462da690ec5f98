"""The bell on every page: the count of open problems that no user has acknowledged."""

from __future__ import annotations

from flask import Flask, g
from flask.typing import ResponseReturnValue
from flask_login import current_user

from app import context
from app.services.notifications import inbox
from app.services.scope import Scope
from app.web.shell.guard import Pages, Who

bell = Pages("bell", __name__)


def init_app(app: Flask) -> None:
    app.jinja_env.globals["open_problems"] = open_problems


def open_problems() -> int:
    """Returns the count in the page's organization; on a page outside one, in all organizations.

    It is read once per request. Members do not see problems, so their count is 0.
    """
    if "open_problems" not in g:
        g.open_problems = _count() if current_user.is_authenticated and current_user.is_superadmin else 0
    count: int = g.open_problems
    return count


def _count() -> int:
    scope: Scope | None = g.get("scope")
    return inbox.unacknowledged_count(scope or context.anonymous_scope(), everywhere=scope is None)


@bell.page("/o/<slug>/bell.json", who=Who.SUPERADMIN)
def count(_scope: Scope) -> ResponseReturnValue:
    """Returns the count for pages that stay open. Polling does not extend the session."""
    return {"open": open_problems()}


@bell.page("/bell.json", who=Who.SUPERADMIN)
def count_everywhere(_scope: Scope) -> ResponseReturnValue:
    return {"open": open_problems()}
