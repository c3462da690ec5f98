"""The filter, sort and page of the request, and links that keep them."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Response, request, url_for

from app.models import Verdict
from app.services.endpoints.listing import Filter
from app.web.shell import render

PAGE = 50
HEALTH = {str(verdict): verdict for verdict in Verdict}


def filter_from_request() -> Filter:
    """Returns the filter of the request's query string."""
    active = {"on": True, "off": False}.get(request.args.get("active", ""))
    return Filter(
        text=request.args.get("q", "").strip()[:100],
        provider=request.args.get("provider") or None,
        is_active=active,
        agent=request.args.get("agent") or None,
        drifted=request.args.get("sync") == "drifted",
        blocked=request.args.get("sync") == "blocked",
        health=HEALTH.get(request.args.get("sync", "")),
    )


def query_string(**other: str | None) -> str:
    """Returns the query string of the current view, with `other` parts replaced."""
    return urlencode({name: value for name, value in (view() | other).items() if value})


def view() -> dict[str, str]:
    names = ("q", "provider", "active", "agent", "sync", "sort", "cursor")
    return {name: request.args[name] for name in names if request.args.get(name)}


def back() -> Response:
    """Redirects to the table with the same filter, sort and page."""
    query = query_string()
    address = url_for("endpoints.table")
    return render.redirect_to(f"{address}?{query}" if query else address)
