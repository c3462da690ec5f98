"""The bell: how many problems are open that no user has acknowledged, on every page."""

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
    """Returns how many there are in the page's organization, or outside one, in all of them.

    They are counted once for each request. Members, who do not see them, have none.
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
    """For pages that stay open. It is no use of the session, which idles out all the same."""
    return {"open": open_problems()}


@bell.page("/bell.json", who=Who.SUPERADMIN)
def count_everywhere(_scope: Scope) -> ResponseReturnValue:
    return {"open": open_problems()}
