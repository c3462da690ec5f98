"""The frame of every page: the theme chosen in the browser, and the configuration of htmx."""

from __future__ import annotations

import json

from flask import Flask, request
from jinja2 import StrictUndefined

from app import context

COOKIE = "patchbay-theme"
SCHEMES = {"system": "light dark", "light": "light", "dark": "dark"}
"""The value of `color-scheme` for each theme."""

HTMX = json.dumps(
    {
        "includeIndicatorStyles": False,
        "historyCacheSize": 0,
        "refreshOnHistoryMiss": True,
        "defaultSettleDelay": 0,
        "allowEval": False,
        "allowScriptTags": False,
        "selfRequestsOnly": True,
        "scrollBehavior": "auto",
        "attributesToSettle": ["class"],
        "responseHandling": [{"code": "204", "swap": False}, {"code": "...", "swap": True}],
    }
)
"""The configuration of htmx. Error responses are swapped in too; their `HX-Reswap` header says how."""


def init_app(app: Flask) -> None:
    """Adds the theme to templates, and makes an undefined name in a template an error."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals |= {
        "portal_host": portal_host,
        "theme": theme,
        "color_schemes": SCHEMES,
        "htmx_config": HTMX,
    }


def theme() -> str:
    """Returns the browser's theme, or "system". The server renders it to avoid flicker."""
    value = request.cookies.get(COOKIE, "")
    return value if value in SCHEMES else "system"


def portal_host() -> str:
    """Returns the host of the portal's address, so that users see which password they type."""
    return context.shown_origin().partition("://")[2]
