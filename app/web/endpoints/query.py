"""The filter, order and page that an address asks for, and links that keep them."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request, url_for

from app.services.endpoints.listing import Filter
from app.web.shell import render

PAGE = 50


def filter_from_request() -> Filter:
    """What the address asks for."""
    active = {"on": True, "off": False}.get(request.args.get("active", ""))
    return Filter(
        text=request.args.get("q", "").strip()[:100],
        provider=request.args.get("provider") or None,
        is_active=active,
        agent=request.args.get("agent") or None,
        drifted=request.args.get("sync") == "drifted",
        blocked=request.args.get("sync") == "blocked",
    )


def query_string(**other: str | None) -> str:
    """The view that the address shows, for links and forms that come back to it; or with `other` parts."""
    return urlencode({name: value for name, value in (view() | other).items() if value})


def view() -> dict[str, str]:
    names = ("q", "provider", "active", "agent", "sync", "sort", "cursor")
    return {name: request.args[name] for name in names if request.args.get(name)}


def back() -> Response:
    """To the table, as it was shown."""
    query = query_string()
    address = url_for("endpoints.table")
    return render.redirect_to(f"{address}?{query}" if query else address)
