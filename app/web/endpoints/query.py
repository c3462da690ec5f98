"""The filter, sort and page of the request, and links that preserve them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Response, request, url_for

from app import providers
from app.core import texts
from app.services.endpoints import healths, paging
from app.services.endpoints.listing import Filter
from app.web.endpoints import messages
from app.web.shell import history, render
from app.web.shell.chips import Chip

PAGE = 50
FILTERS = ("q", "provider", "active", "agent", "sync")
VIEW = (*FILTERS, "sort", "cursor")


def filter_from_request() -> Filter:
    """Returns the filter of the request's query string."""
    health = healths.CHOICES.get(request.args.get("sync", ""))
    return Filter(
        text=request.args.get("q", "").strip()[:100],
        provider=request.args.get("provider") or None,
        is_active={"on": True, "off": False}.get(request.args.get("active", "")),
        agent=request.args.get("agent") or None,
        **(health.part if health else {}),
    )


def sort_from_request() -> str:
    return request.args.get("sort") or paging.BY_NUMBER


def chips(filters: Filter) -> Iterator[Chip]:
    """Yields a chip for each part of the filter except the text, which the search field shows."""
    health = next(healths.of_filter(filters), None)
    values = {
        "provider": filters.provider and providers.label(filters.provider),
        "agent": filters.agent and texts.bidi_isolate(filters.agent),
        "active": messages.ACTIVE[filters.is_active],
        "sync": health and health.word,
    }
    for name, value in values.items():
        if value:
            yield Chip(name, messages.FILTERS[name], value, query_string(cursor=None, **{name: None}))


def query_string(**other: str | None) -> str:
    """Returns the query string of the current view, with `other` parts replaced."""
    return urlencode({name: value for name, value in (view() | other).items() if value})


def filter_string() -> str:
    """Returns the query string of the filter and sort, as a saved view stores it."""
    return query_string(cursor=None)


def view() -> dict[str, str]:
    return {name: request.args[name] for name in VIEW if request.args.get(name)}


def flash_undo(text: str, event_id: int | None) -> None:
    """Flashes the result of a change to endpoints, with a button that undoes it in the table."""
    here = address("endpoints.undo", event_id=event_id) if event_id else ""
    history.flash_undo_in_place(text, event_id, here, "endpoints")


def back() -> Response:
    """Redirects to the table with the same filter, sort and page."""
    return render.redirect_to(address("endpoints.table"))


def address(endpoint: str, **path: Any) -> str:
    """Returns the address of a page with the filter, sort and page of the request."""
    query, here = query_string(), url_for(endpoint, **path)
    return f"{here}?{query}" if query else here
