"""Error pages, and the redirect from an address that accepts only forms."""

from __future__ import annotations

from flask import Response, current_app, make_response, render_template, url_for
from flask_login import current_user
from htmx_flask import request
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException

from app.core.errors import Invalid, PatchbayError
from app.web.shell import guard, messages, registry, render

TITLES = {
    400: "Bad request",
    401: "Sign in to continue",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timed out",
    409: "Conflict",
    412: "Someone else saved first",
    413: "Too large",
    422: "Check the highlighted fields",
    429: "Too many attempts",
    503: "Temporarily unavailable",
}

WITH_NAVIGATION = (400, 403, 404, 405)
"""Statuses of errors in the request: the navigation still works, so the page has it."""

CSRF_FAILED = "CSRF_FAILED"

OUTDATED = (404, 409, 412)
"""Statuses that mean the page is out of date: its tables load again."""


def _is_signed_in() -> bool:
    """Whether the user is signed in; False if the database fails."""
    try:
        return bool(current_user.is_authenticated)
    except DBAPIError:
        return False


def page_above() -> Response | None:
    """Returns the redirect from an address that accepts only forms to the page above, or None.

    A browser opens such an address when its page is reloaded or bookmarked.
    """
    if request.method != "GET" or request.htmx:
        return None
    adapter = current_app.create_url_adapter(request._get_current_object())
    try:
        rule, values = adapter.match(method="POST", return_rule=True)  # type: ignore[union-attr]
    except HTTPException:
        return None
    pages = registry.pages_above(guard.pages(), rule.rule)
    if not pages:
        return None
    names = {*pages[-1].arguments, "slug"} & values.keys()
    return render.redirect_to(url_for(pages[-1].endpoint, **{name: values[name] for name in names}))


def error(error: PatchbayError, *, status: int | None = None, error_id: str | None = None) -> Response:
    """Returns the page of an error; for htmx, a message that is shown over the page.

    It has no navigation, which may itself have failed. If the request is at fault, a signed-in user gets the
    navigation to continue from there.
    """
    status = status or error.status
    title = messages.EXPIRED if error.code == CSRF_FAILED else TITLES.get(status, "Unexpected error")
    if status in WITH_NAVIGATION and not request.htmx and _is_signed_in():
        guard.enter_named_organization()
        page = render_template("shell/errors/framed.html", status=status, title=title, message=error.message)
        return make_response(page, status)
    template = "shell/errors/note.html" if request.htmx else "shell/errors/error.html"
    page = current_app.jinja_env.get_template(template).render(
        status=status,
        title=title,
        message=error.message,
        error_id=error_id,
        problems=error.problems if isinstance(error, Invalid) else [],
    )
    response = make_response(page, status)
    if request.htmx:
        response.headers["HX-Reswap"] = "none"
        if status in OUTDATED:
            response.headers["HX-Trigger"] = "outdated"
    return render.with_retry_after(response, error)
