"""The addresses of the places that services refer to."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, url_for

from app.services.status.places import Place
from app.web.shell import guard

_SLUG, KEY, _ID = "-slug-", "-key-", "-id-"
"""Placeholders in an address pattern: a page has hundreds of links, and `url_for` is too slow for each."""
_ARGUMENTS = {"key": KEY, "endpoint_id": _ID}


def init_app(app: Flask) -> None:
    app.jinja_env.globals["place"] = place


def place(slug: str, where: Place, provider: str | None = None, endpoint_id: str | None = None) -> str:
    """Returns the address of a place in an organization."""
    address = _pattern(where).replace(_SLUG, slug)
    return address.replace(KEY, provider or "").replace(_ID, endpoint_id or "")


def _pattern(where: Place) -> str:
    patterns: dict[Place, str] = g.setdefault("place_patterns", {})
    if where not in patterns:
        page = next(page for page in guard.pages() if where in page.places)
        arguments: dict[str, Any] = {
            name: text for name, text in _ARGUMENTS.items() if f"<{name}>" in page.rule
        }
        patterns[where] = url_for(page.endpoint, slug=_SLUG, **arguments, **page.places[where])
    return patterns[where]
