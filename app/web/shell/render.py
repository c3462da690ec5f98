"""Renders pages, and the blocks that htmx requests of them."""

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
"""A link to a page of a provider."""
BACKGROUND = "Patchbay-Background"
"""The header of a request that the page sends without a user's action; `static/js/forms.js` sets it."""


def page(template: str, status: int = 200, **context: Any) -> Response:
    """Returns the page; for htmx, the block of its target, with flashed messages as toasts."""
    if is_fragment_request():
        with suppress(BlockNotFoundError):
            return part(render_block(template, str(request.htmx.target), **context), status, _flashed())
    return make_response(render_template(template, **context), status)


def line(template: str, status: int = 200, **context: Any) -> Response:
    """Returns a part with its own template, such as a table's row, with flashed messages."""
    return part(render_template(template, **context), status, _flashed())


def _flashed() -> list[Any]:
    """Returns the messages to show; none for a background request.

    A form and a background request may be sent at the same time, with the same cookie: the messages belong to
    the page that follows the form.
    """
    return [] if BACKGROUND in request.headers else get_flashed_messages(with_categories=True)


def part(body: str, status: int, messages: Sequence[tuple[str, str]]) -> Response:
    """Returns a part of a page for htmx to replace, with messages as toasts."""
    toasts = get_template_attribute("shell/toast.html", "toasts")
    response = make_response("".join([body, toasts(messages)]), status)
    if status >= 400:
        response.headers["HX-Reswap"] = "outerHTML"
    return response


def with_retry_after(response: Response, error: PatchbayError) -> Response:
    """Returns the response with Retry-After, if the error says when another attempt may succeed."""
    if isinstance(error, TryLater):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def triggering(event: str, response: Response) -> Response:
    """Returns the response with an event that htmx triggers on the page."""
    response.headers["HX-Trigger"] = event
    return response


def flash_with_link(text: str, kind: str, href: str, word: str) -> None:
    """Flashes a sentence with a link to the page where the user can act on it."""
    flash(LINKED.format(text, href, word), kind)


def is_fragment_request(block: str | None = None) -> bool:
    """Whether htmx requests a part of a page; with `block`, whether it requests that part."""
    htmx = request.htmx
    is_one = bool(htmx) and not htmx.boosted and not htmx.history_restore_request
    return is_one and block in (None, htmx.target)


def page_first(address: str) -> Response:
    """Redirects the browser, not only htmx's part of the page, to a page before a change."""
    if not request.htmx:
        return redirect_to(address)
    response = make_response("")
    response.headers["HX-Redirect"] = address
    return response


def redirect_to(address: str) -> Response:
    """Redirects after a POST, so that the browser or htmx loads the page again."""
    return make_response(redirect(address, 303))


def file(scope: Scope, name: str, pieces: Iterator[bytes], content_type: str = CSV) -> Response:
    """Returns a download that is sent while its pieces are read.

    Flask ends the request before the body is sent, so the session is closed with the response.
    """
    response = Response(stream_with_context(pieces), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.call_on_close(scope.session.close)
    return response
