"""The frame of every page: the theme that a browser chose, and how htmx is set up."""

from __future__ import annotations

import json

from flask import Flask, request
from jinja2 import StrictUndefined

from app import context

COOKIE = "patchbay-theme"
SCHEMES = {"system": "light dark", "light": "light", "dark": "dark"}
"""Of each theme, the color schemes that a page supports then."""

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
"""Error responses are swapped in too: their `HX-Reswap` header names the place."""


def init_app(app: Flask) -> None:
    """Makes a name that a template does not know an error, and gives templates the theme."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals |= {
        "portal_host": portal_host,
        "theme": theme,
        "color_schemes": SCHEMES,
        "htmx_config": HTMX,
    }


def theme() -> str:
    """Returns the browser's choice, or "system"; the page is drawn in it from the start."""
    value = request.cookies.get(COOKIE, "")
    return value if value in SCHEMES else "system"


def portal_host() -> str:
    """Returns the host that the reader has opened, so that they see whose password they type."""
    return context.shown_origin().partition("://")[2]
