"""Renders pages, and the blocks of pages that htmx requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from flask import (
    Response,
    flash,
    get_flashed_messages,
    get_template_attribute,
    make_response,
    redirect,
    render_template,
    stream_with_context,
)
from htmx_flask import request
from jinja2_fragments import BlockNotFoundError
from jinja2_fragments.flask import render_block
from markupsafe import Markup

from app.core.errors import PatchbayError, TryLater
from app.services.scope import Scope

CSV = "text/csv; charset=utf-8; header=present"
LINKED = Markup('{} <a href="{}">{}</a>')
CONSOLE_LINK = Markup(
    '<a class="pb-out" href="{}" target="_blank" rel="noopener noreferrer">{}'
    '<span class="visually-hidden"> (opens in a new tab)</span></a>'
)
"""A link out of Patchbay, to a provider's own pages."""
BACKGROUND = "Patchbay-Background"
"""The header of a request that a page makes by itself; `static/js/forms.js` sets it."""


def page(template: str, status: int = 200, **context: Any) -> Response:
    """Returns the page; to htmx its block named as the target, with what was flashed as toasts."""
    if is_fragment_request():
        with suppress(BlockNotFoundError):
            return part(render_block(template, str(request.htmx.target), **context), status, _flashed())
    return make_response(render_template(template, **context), status)


def line(template: str, status: int = 200, **context: Any) -> Response:
    """Returns a part that has a template of its own, such as one line of a table, with what was flashed."""
    return part(render_template(template, **context), status, _flashed())


def _flashed() -> list[Any]:
    """Returns the messages to show; to a background request none, as they belong to what follows a form.

    Both may be sent together, with the same cookie.
    """
    return [] if BACKGROUND in request.headers else get_flashed_messages(with_categories=True)


def part(body: str, status: int, messages: Sequence[tuple[str, str]]) -> Response:
    """Returns a part of a page for htmx, which takes its place, and messages beside it."""
    toasts = get_template_attribute("shell/toast.html", "toasts")
    response = make_response("".join([body, toasts(messages)]), status)
    if status >= 400:
        response.headers["HX-Reswap"] = "outerHTML"
    return response


def later(response: Response, error: PatchbayError) -> Response:
    """The response to a refusal, which says when another try may succeed if that is known."""
    if isinstance(error, TryLater):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def triggering(event: str, response: Response) -> Response:
    """The response, with the event that htmx triggers on the page after it."""
    response.headers["HX-Trigger"] = event
    return response


def flash_with_link(text: str, kind: str, href: str, word: str) -> None:
    """Flashes a sentence with a link to the page that resolves it."""
    flash(LINKED.format(text, href, word), kind)


def is_fragment_request(block: str | None = None) -> bool:
    """Whether htmx requests a part of a page, and that one if it is named."""
    htmx = request.htmx
    is_one = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    return is_one and block in (None, htmx.target)


def page_first(address: str) -> Response:
    """Leads to a page that comes before a change: the browser opens it, not htmx in a part of the page."""
    if not request.htmx:
        return redirect_to(address)
    response = make_response("")
    response.headers["HX-Redirect"] = address
    return response


def redirect_to(address: str) -> Response:
    """What follows a change: the browser, or htmx on its behalf, reads the page again."""
    return make_response(redirect(address, 303))


def file(scope: Scope, name: str, pieces: Iterator[bytes], content_type: str = CSV) -> Response:
    """To be kept, and sent as it is read. Flask ends the request before, so the session is closed when
    all is sent."""
    response = Response(stream_with_context(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(scope.session.close)
    return response
