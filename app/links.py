"""URLs for outside the portal: pages of notifications, and password links. The portal's pages use paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import current_app

from app.models import Notification, Organization
from app.services.notifications.events import Event

Page = tuple[str, dict[str, Any]]
"""A page's endpoint, and the values of its URL apart from the organization."""


def _endpoints(row: Notification) -> Page:
    if row.count == 1:
        return "endpoints.show", {"endpoint_id": row.subject}
    return "endpoints.table", {"sync": "unhealthy"} if row.event == Event.NUMBER_UNHEALTHY else {}


def _provider(row: Notification) -> Page:
    return "providers.show", {"key": row.provider}


_PAGES: Mapping[str, Callable[[Notification], Page]] = {
    Event.NUMBER_UNHEALTHY: _endpoints,
    Event.NUMBER_RECOVERED: _endpoints,
    Event.CONNECTION_REFUSED: _provider,
    Event.CONNECTION_RECOVERED: _provider,
    Event.SECRET_OLD: _provider,
    Event.CHECK_FAILED: _provider,
    Event.CHECK_OVERDUE: _provider,
    Event.CALL_WEBHOOK_DISABLED: lambda _row: ("voice_ai.show", {"_anchor": "webhook"}),
    Event.CALL_WEBHOOK_RECOVERED: lambda _row: ("voice_ai.show", {"_anchor": "webhook"}),
    Event.BASE_URL_CHANGED: lambda _row: ("settings.show", {}),
    Event.PROVIDER_SWITCHED: lambda _row: ("home.show", {}),
    Event.TOKEN_EXPIRING: lambda _row: ("people.table", {}),
}
"""Pages that show the subject of an event, and repair it; other events link to the notifications."""


def of_notification(row: Notification, organization: Organization | None) -> str | None:
    """Returns the URL of a notification's page; None if PATCHBAY_PUBLIC_URL is not set."""
    base = current_app.extensions["patchbay_settings"].public_url
    return f"{base}{path_of(row, organization)}" if base is not None else None


def path_of(row: Notification, organization: Organization | None) -> str:
    """Returns the path of a notification's page."""
    if organization is None:
        return _path("notifications.table_everywhere")
    endpoint, values = _PAGES[row.event](row) if row.event in _PAGES else ("notifications.table", {})
    return _path(endpoint, slug=organization.slug, **values)


def _path(endpoint: str, **values: Any) -> str:
    """Returns the path of a page. It can be called outside a request."""
    anchor = values.pop("_anchor", None)
    path = current_app.url_map.bind("").build(endpoint, values)
    return f"{path}#{anchor}" if anchor else path


def of_password(token: str, base: str) -> str:
    """Returns the URL of a password link; `base` is the portal's address."""
    return base + _path("password_links.form", _anchor=token)
