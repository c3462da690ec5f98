"""The addresses of the places that services name."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, url_for

from app.services.status.places import Place

_SLUG, _KEY, _ID = "-slug-", "-key-", "-id-"
"""In the place of what differs: a page has hundreds of these links, and `url_for` takes longer than a row."""

_TARGETS: dict[Place, tuple[str, dict[str, Any]]] = {
    Place.CHECKLIST: ("checklist.show", {}),
    Place.SETTINGS: ("settings.show", {}),
    Place.PROVIDER: ("providers.show", {"key": _KEY}),
    Place.CALLBACK: ("callback.show", {"key": _KEY}),
    Place.ENDPOINTS: ("endpoints.table", {}),
    Place.DRIFTED: ("endpoints.table", {"sync": "drifted"}),
    Place.BLOCKED: ("endpoints.table", {"sync": "blocked"}),
    Place.NEW_ENDPOINT: ("endpoints.new", {}),
    Place.ENDPOINT: ("endpoints.show", {"endpoint_id": _ID}),
    Place.EDIT_ENDPOINT: ("endpoints.show", {"endpoint_id": _ID, "edit": 1}),
    Place.AT_PROVIDER: ("drift.show", {"endpoint_id": _ID}),
    Place.VOICE_AI: ("voice_ai.show", {}),
    Place.CALL_WEBHOOK: ("voice_ai.show", {"_anchor": "webhook"}),
}


def init_app(app: Flask) -> None:
    app.jinja_env.globals["place"] = place


def place(slug: str, where: Place, provider: str | None = None, endpoint_id: str | None = None) -> str:
    """The address of a place in an organization."""
    address = _pattern(where).replace(_SLUG, slug)
    return address.replace(_KEY, provider or "").replace(_ID, endpoint_id or "")


def _pattern(where: Place) -> str:
    patterns: dict[Place, str] = g.setdefault("place_patterns", {})
    if where not in patterns:
        endpoint, values = _TARGETS[where]
        patterns[where] = url_for(endpoint, slug=_SLUG, **values)
    return patterns[where]
