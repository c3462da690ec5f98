"""Pages, and the named blocks of pages that htmx asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import (
    Response,
    current_app,
    flash,
    get_flashed_messages,
    make_response,
    redirect,
    render_template,
    request,
    stream_with_context,
)
from markupsafe import Markup

from app.core.errors import PatchbayError, TryLater
from app.services.scope import Scope

CSV = "text/csv; charset=utf-8; header=present"
LINKED = Markup('{} <a href="{}">{}</a>')
TOAST = Markup('<div data-toast="{}">{}</div>')


def page(template: str, status: int = 200, **context: Any) -> Response:
    """The page; or its block named as htmx's target, with what was flashed as toasts."""
    block = _wanted_block()
    found = current_app.jinja_env.get_template(template)
    if block is None or block not in found.blocks:
        return make_response(render_template(template, **context), status)
    current_app.update_template_context(context)
    body = "".join(found.blocks[block](found.new_context(context)))
    flashed: list[Any] = get_flashed_messages(with_categories=True)
    toasts = [TOAST.format(kind, text) for kind, text in flashed]
    return make_response(body + "".join(toasts), status)


def later(response: Response, error: PatchbayError) -> Response:
    """The response to a refusal, which says when another try may succeed if that is known."""
    if isinstance(error, TryLater):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def tell(text: str, kind: str, href: str, word: str) -> None:
    """Flashes a sentence, and a link to where it is seen to."""
    flash(LINKED.format(text, href, word), kind)


def is_part() -> bool:
    """Whether htmx asks for a part of a page."""
    return _wanted_block() is not None


def _wanted_block() -> str | None:
    headers = request.headers
    if (
        not headers.get("HX-Request")
        or headers.get("HX-History-Restore-Request")
        or headers.get("HX-Boosted")
    ):
        return None
    return headers.get("HX-Target")


def see(address: str) -> Response:
    """What follows a change: the browser, or htmx on its behalf, reads the page again."""
    return make_response(redirect(address, 303))


def file(scope: Scope, name: str, pieces: Iterator[bytes], content_type: str = CSV) -> Response:
    """To be kept, and sent as it is read. Flask ends the request before, so the session is closed when
    all is sent."""
    response = Response(stream_with_context(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(scope.session.close)
    return response
