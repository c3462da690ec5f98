"""The theme that a browser chose: kept in a cookie, so that a page is drawn in it from the start."""

from __future__ import annotations

from flask import Flask, request

COOKIE = "patchbay-theme"
SCHEMES = {"system": "light dark", "light": "light", "dark": "dark"}
"""Of each choice, the color schemes that the page supports then."""


def init_app(app: Flask) -> None:
    app.jinja_env.globals["theme"] = chosen
    app.jinja_env.globals["color_schemes"] = SCHEMES


def chosen() -> str:
    """Returns the browser's choice; what it sent is a choice of ours, or "system"."""
    value = request.cookies.get(COOKIE, "")
    return value if value in SCHEMES else "system"
