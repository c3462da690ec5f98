"""HTML blueprints. A view checks access, parses the request, calls a service and renders a page."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from flask import Flask

from app.web.shell import bell, curl, guard, layout, navigation, places, shortcuts, zones
from app.web.shell.guard import Pages


def init_app(app: Flask) -> None:
    navigation.init_app(app)
    shortcuts.init_app(app)
    curl.init_app(app)
    layout.init_app(app)
    zones.init_app(app)
    places.init_app(app)
    bell.init_app(app)
    app.url_defaults(guard.add_slug)
    for blueprint in blueprints():
        app.register_blueprint(blueprint)


@cache
def blueprints() -> tuple[Pages, ...]:
    """Returns the blueprint of each module in this package's subpackages."""
    return tuple(
        value
        for module_info in pkgutil.walk_packages(__path__, f"{__name__}.")
        for value in vars(importlib.import_module(module_info.name)).values()
        if isinstance(value, Pages) and value.import_name == module_info.name
    )
