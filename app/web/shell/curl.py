"""The curl command for the API request that returns a page's data."""

from __future__ import annotations

import shlex
from urllib.parse import urlencode

from flask import Flask, g

from app import context
from app.services.scope import Scope


def init_app(app: Flask) -> None:
    app.jinja_env.globals["curl"] = curl


def curl(path: str, method: str = "GET", **query: str) -> str:
    """Returns the command for an API path in the page's organization; the token is in $TOKEN."""
    scope: Scope = g.scope
    return command(f"{path}?{urlencode({'organizationId': scope.organization.id} | query)}", method)


def command(address: str, method: str = "GET") -> str:
    """Returns the command for an address relative to the portal; the token is in $TOKEN."""
    url = f"{context.shown_origin()}{address}"
    verb = "" if method == "GET" else f"-X {method} "
    return f'curl {verb}-H "Authorization: Bearer $TOKEN" {shlex.quote(url)}'
